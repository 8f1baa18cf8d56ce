//! Owns the layering: defaults, then the file, then the environment. Does not know how each layer was read.

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::fault::Fault;
use super::tree::{Content, Node, Place};
use super::{Config, tenants};

/// Puts the later layers over the earlier ones, lets tenants inherit, and reads what comes out; the tree of it too. Sections
/// are merged key by key; everything else replaces what was there.
///
/// # Errors
/// A value that the types refuse although the schema allows it: its key, without the value.
pub fn merged(layers: [&Node; 2]) -> Result<(Config, Node), Fault> {
    let mut whole = Node::new(Place::Variable(String::new()), Content::Nothing);
    for layer in layers {
        whole.overlay(layer);
    }
    tenants::inherit(&mut whole);
    let builder = config::Config::builder().add_source(Layer(whole.clone()));
    let read = builder.build().and_then(config::Config::try_deserialize).map_err(|error| {
        let path = match &error {
            ConfigError::Type { key, .. } | ConfigError::At { key, .. } => key.clone(),
            _ => None,
        };
        Fault::of(path.unwrap_or_default(), "can't be read")
    });
    Ok((read?, whole))
}

#[derive(Clone, Debug)]
struct Layer(Node);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        value(&self.0).map_or_else(|| Ok(Map::new()), Value::into_table)
    }
}

fn value(node: &Node) -> Option<Value> {
    let kind = match &node.content {
        Content::Nothing => return None,
        Content::Text(text) => ValueKind::String(text.clone()),
        Content::List(items) => ValueKind::Array(items.iter().filter_map(value).collect()),
        Content::Map(entries) => {
            ValueKind::Table(entries.iter().filter_map(|(key, node)| Some((key.text.clone(), value(node)?))).collect())
        }
    };
    Some(Value::new(None, kind))
}
