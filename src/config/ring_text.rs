//! Owns the text of a file that `rings_file` names: what stands in it as it is written, another key in it, and the text again.
//! Does not know the disk.

use std::fmt::Write as _;

use super::fault::{Fault, Faults};
use super::moment::Moment;
use super::rings::Rings;
use super::tree::{Content, Node};
use super::yaml;
use crate::crypto::{Secret, key_id, key_id_text};
use crate::session::time::Timestamp;

/// The rings that there are.
pub const NAMES: [&str; 6] = ["session", "csrf", "sealing", "fingerprint", "answers", "minting"];

const HEAD: &str = "\
# Key rings of gatelodge (`app.sessions.rings_file`), written by `gatelodge rings rotate`. It is read again when it changes.
# Keep it out of version control, and readable by the authority alone. Comments of your own are not kept.
";

/// The keys of a file, each as it is written.
#[derive(Clone, Debug, Default)]
pub struct RingText(Vec<(String, Vec<Written>)>);

/// A key as it is written: variables in it stay what they are. Any of the values may be a secret.
#[derive(Clone, Debug, Default)]
struct Written(Vec<(String, Secret)>);

impl Written {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.expose()).filter(|value| !value.is_empty())
    }

    fn date(&self, name: &str) -> Option<Timestamp> {
        Moment::parse(self.get(name)?).map(Moment::get)
    }
}

impl RingText {
    /// Reads the text of a file of this name.
    ///
    /// # Errors
    /// What in it is no ring.
    pub fn read(file: &str, text: &str) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let tree = yaml::read(&file.into(), text, &mut faults).map_err(Faults::from)?;
        let rings = rings_of(&tree, &mut faults);
        if faults.is_empty() { Ok(Self(rings)) } else { Err(Faults::sorted(faults)) }
    }

    /// The key of a ring that waits for its date, and the date.
    #[must_use]
    pub fn waiting(&self, ring: &str, now: Timestamp) -> Option<(String, Moment)> {
        let keys = self.0.iter().filter(|(name, _)| name == ring).flat_map(|(_, keys)| keys);
        let date = |key: &Written| key.date("active_from").filter(|date| *date > now);
        let (key, date) = keys.filter_map(|key| Some((key, date(key)?))).max_by_key(|(_, date)| *date)?;
        Some((key.get("id").unwrap_or("without an id").to_owned(), Moment::at(date)))
    }

    /// Adds a key to a ring, and answers its id, and whether any got an end by that: the keys before it retire at
    /// `retire_before`, where they have no date for that; those whose date has come are left out.
    pub fn rotate(
        &mut self,
        ring: &str,
        secret: &Secret,
        active_from: Timestamp,
        retire_before: Timestamp,
        now: Timestamp,
    ) -> (String, bool) {
        if !self.0.iter().any(|(name, _)| name == ring) {
            self.0.push((ring.to_owned(), Vec::new()));
        }
        let (id, mut got_end) = (key_id_text(key_id(secret)), false);
        for (_, keys) in self.0.iter_mut().filter(|(name, _)| name == ring) {
            keys.retain(|key| key.date("retire_after").is_none_or(|date| date > now));
            for key in keys.iter_mut().filter(|key| key.get("retire_after").is_none()) {
                key.0.retain(|(name, _)| name != "retire_after");
                key.0.push(("retire_after".into(), Secret::new(Moment::at(retire_before).to_string())));
                got_end = true;
            }
            let from = Secret::new(Moment::at(active_from).to_string());
            let own = [("id", Secret::new(id.clone())), ("secret", secret.clone()), ("active_from", from)];
            keys.push(Written(own.map(|(name, value)| (name.to_owned(), value)).into()));
        }
        (id, got_end)
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(format!("{HEAD}{}", self.lines().expose()))
    }

    /// The same, to be put under `app.sessions.rings` by hand.
    #[must_use]
    pub fn lines(&self) -> Secret {
        let mut text = String::new();
        for (name, keys) in self.0.iter().filter(|(_, keys)| !keys.is_empty()) {
            // Writing into a text can't fail.
            let _ = writeln!(text, "{name}:");
            for key in keys {
                for (at, (name, value)) in key.0.iter().enumerate() {
                    let value = value.expose().replace('\'', "''");
                    let _ = writeln!(text, "  {} {name}: '{value}'", if at == 0 { "-" } else { " " });
                }
            }
        }
        Secret::new(text)
    }
}

fn rings_of(tree: &Node, faults: &mut Vec<Fault>) -> Vec<(String, Vec<Written>)> {
    let entries = match &tree.content {
        Content::Nothing => return Vec::new(),
        Content::Map(entries) => entries,
        _ => {
            faults.push(Fault::at(&tree.place, "", "expected rings: session, csrf, ..."));
            return Vec::new();
        }
    };
    let mut rings = Vec::new();
    for (key, node) in entries {
        if !Rings::default().named().iter().any(|(name, _)| *name == key.text) {
            faults.push(Fault::at(&key.place, key.text.clone(), format!("no ring; there are {}", NAMES.join(", "))));
        }
        match &node.content {
            Content::Nothing => {}
            Content::List(items) => {
                rings.push((key.text.clone(), items.iter().filter_map(|item| written(item, faults)).collect()));
            }
            _ => faults.push(Fault::at(&node.place, key.text.clone(), "expected a list of keys")),
        }
    }
    rings
}

fn written(item: &Node, faults: &mut Vec<Fault>) -> Option<Written> {
    let Content::Map(entries) = &item.content else {
        faults.push(Fault::at(&item.place, "", "expected a key: { id: ..., secret: ..., active_from: ... }"));
        return None;
    };
    let text = |node: &Node| if let Content::Text(text) = &node.content { Some(Secret::new(text)) } else { None };
    Some(Written(entries.iter().filter_map(|(key, node)| Some((key.text.clone(), text(node)?))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn a_rotation_adds_a_key_gives_those_before_it_an_end_and_drops_what_is_over() {
        let before =
            "session:\n- { secret: \"${OLD}'s\" }\n- { id: 00000001, secret: x, retire_after: 2020-01-01T00:00:00Z }\n";
        let mut rings = RingText::read("f", before).unwrap();
        let (id, got_end) = rings.rotate("session", &Secret::new("new"), at(600), at(9000), at(0));
        let (_, other) = rings.rotate("csrf", &Secret::new("other"), at(600), at(9000), at(0));
        assert!(got_end && !other, "there was none in it");
        assert_eq!(id, key_id_text(key_id(&Secret::new("new"))));
        let lines = "session:\n  - secret: '${OLD}''s'\n    retire_after: '2027-01-15T10:30:00Z'\n";
        let secret = rings.lines();
        let text = secret.expose();
        assert!(text.starts_with(lines), "{text}");
        assert!(!text.contains("00000001") && text.contains("csrf:\n  - id: "), "{text}");
        let again = RingText::read("f", rings.text().expose()).unwrap();
        assert_eq!(again.lines().expose(), text, "it reads back");
        assert!(!format!("{again:?}").contains("new") && !format!("{again:?}").contains("OLD"));
        assert_eq!(again.waiting("session", at(0)).map(|(own, _)| own), Some(id));
        assert!(again.waiting("session", at(600)).is_none() && again.waiting("minting", at(0)).is_none());
    }

    #[test]
    fn what_is_no_ring_says_where_it_stands() {
        for (text, place) in
            [("sesion: []", "f:1:1"), ("- a", "f:1:1"), ("session: x", "f:1:10"), ("csrf: [x]", "f:1:8")]
        {
            let faults = RingText::read("f", text).unwrap_err();
            assert!(faults.to_string().starts_with(place), "{faults}");
        }
        assert!(RingText::read("f", "").unwrap().lines().is_empty());
    }
}
