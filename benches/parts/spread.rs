//! Owns what is said of several figures of the same thing: their median, the least and the most.
//! Does not know what was measured.

use serde_json::{Value, json};

/// The median of some figures, the least and the most.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    pub fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(figures.len() / 2)), least: at(0), most: at(last) }
    }
}

/// A figure as the last line has it, with so many digits after the point.
pub fn rounded(figure: f64, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    json!((figure * scale).round() / scale)
}
