//! Owns the environment as a value, and `.env` files. Does not read the process's own environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::Fault;
use super::tree::Place;

/// Variables by name. Those of the real environment win over those of a `.env` file.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, Variable>);

/// One variable.
#[derive(Clone)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// Where in a `.env` file it stands; `None` in the real environment.
    pub place: Option<Place>,
}

/// A variable may hold a secret.
impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Variable {
    /// What `config show` says of it, under its name.
    #[must_use]
    pub fn origin(&self, name: &str) -> String {
        self.place.as_ref().map_or_else(|| name.to_owned(), |place| format!("{name} at {place}"))
    }
}

impl Variables {
    /// Those of the real environment.
    #[must_use]
    pub fn new<N: Into<String>, V: Into<String>>(real: impl IntoIterator<Item = (N, V)>) -> Self {
        let real = real.into_iter();
        Self(real.map(|(name, value)| (name.into(), Variable { value: value.into(), place: None })).collect())
    }

    /// The variable of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    /// Every variable, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// Adds those of a `.env` file that the real environment does not set.
    ///
    /// `NAME=value`, with or without `export`; `#` begins a comment; in single quotes everything is literal, in double
    /// quotes `\n`, `\"`, `\\` and `\$` are read. Nothing is put into values. Lines that are none of this are faults.
    pub fn add_dotenv(&mut self, file: &Arc<str>, text: &str, faults: &mut Vec<Fault>) {
        for (line, written) in (1..).zip(text.lines()) {
            let written = written.trim();
            if written.is_empty() || written.starts_with('#') {
                continue;
            }
            let place = Place::File { file: file.clone(), line, column: 1 };
            match assignment(written) {
                Ok((name, value)) => {
                    let real = self.0.get(name).is_some_and(|known| known.place.is_none());
                    if !real {
                        self.0.insert(name.to_owned(), Variable { value, place: Some(place) });
                    }
                }
                Err(message) => faults.push(Fault::at(&place, "", message)),
            }
        }
    }
}

fn assignment(line: &str) -> Result<(&str, String), &'static str> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("not NAME=value")?;
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
        return Err("the name of a variable has letters, digits and `_`");
    }
    let value = value.trim();
    let value = match value.chars().next() {
        Some('\'') => quoted(value, '\'')?,
        Some('"') => quoted(value, '"')?,
        _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
    };
    Ok((name, value))
}

fn quoted(text: &str, quote: char) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut signs = text.chars();
    signs.next();
    while let Some(sign) = signs.next() {
        if sign == quote {
            let rest = signs.as_str().trim_start();
            return if rest.is_empty() || rest.starts_with('#') {
                Ok(value)
            } else {
                Err("text after the closing quote")
            };
        }
        if sign == '\\' && quote == '"' {
            match signs.next() {
                Some('n') => value.push('\n'),
                Some(escaped @ ('"' | '\\' | '$')) => value.push(escaped),
                Some(other) => value.extend(['\\', other]),
                None => break,
            }
        } else {
            value.push(sign);
        }
    }
    Err("a quote that is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotenv_file_is_read_and_the_real_environment_wins() {
        let text = "# note\nA=file\nexport B = 'x # $y' # note\nC=\"a\\nb\\\"\"\nD=plain # note\nE=a#b=c\nF=\n\n";
        let mut variables = Variables::new([("A", "real")]);
        let mut faults = Vec::new();
        variables.add_dotenv(&".env".into(), text, &mut faults);
        assert_eq!(faults, []);
        let table = [("A", "real"), ("B", "x # $y"), ("C", "a\nb\""), ("D", "plain"), ("E", "a#b=c"), ("F", "")];
        for (name, value) in table {
            assert_eq!(variables.get(name).unwrap().value, value, "{name}");
        }
        assert_eq!(variables.get("D").unwrap().origin("D"), "D at .env:5:1");
        assert_eq!(variables.get("A").unwrap().origin("A"), "A");
    }

    #[test]
    fn a_line_that_is_no_assignment_is_a_fault_with_its_line() {
        let mut faults = Vec::new();
        Variables::default().add_dotenv(&".env".into(), "A=1\nnonsense\nB='x\nC-D=1\nE='a'b\n", &mut faults);
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], ".env:2:1: not NAME=value");
    }
}
