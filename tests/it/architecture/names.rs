//! The paths that a Rust file names, in `use` lines and inline, macros and attributes included.
//! Does not know which of them are allowed.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::iter::Peekable;

/// A path that a file names.
#[derive(Debug, PartialEq)]
pub struct Name {
    /// Its segments. A path inside this crate begins with `crate`, however it was written.
    pub path: Vec<String>,
    /// Whether it stands in an item under `#[cfg(test)]`.
    pub in_tests: bool,
}

/// Every path that a file of `src/` names.
pub fn names(file: &str, text: &str) -> Vec<Name> {
    let tokens: TokenStream = text.parse().unwrap_or_else(|fault| panic!("{file} is not Rust: {fault}"));
    let mut reader = Reader { names: Vec::new() };
    reader.walk(tokens, &module_of(file), false);
    reader.names
}

/// `src/store/redis/mod.rs` is `["store", "redis"]`.
fn module_of(file: &str) -> Vec<String> {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(inner, "lib" | "main" | "mod") { Vec::new() } else { inner.split('/').map(str::to_owned).collect() }
}

type Tokens = Peekable<proc_macro2::token_stream::IntoIter>;

struct Reader {
    names: Vec<Name>,
}

impl Reader {
    fn walk(&mut self, tokens: TokenStream, module: &[String], in_tests: bool) {
        let mut tokens = tokens.into_iter().peekable();
        // Set from `#[cfg(test)]` to the end of the item that it stands on.
        let mut item_in_tests = in_tests;
        // The name after `mod`, while its braces are looked for.
        let mut opened: Option<String> = None;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => {
                    item_in_tests |= is_cfg_test(&group);
                    let brace = group.delimiter() == Delimiter::Brace;
                    let inner = opened.take().filter(|_| brace);
                    let module: Vec<String> = module.iter().cloned().chain(inner).collect();
                    self.walk(group.stream(), &module, item_in_tests);
                    if brace {
                        item_in_tests = in_tests;
                    }
                }
                TokenTree::Ident(word) if word == "use" => self.used(&mut tokens, &[], module, item_in_tests),
                TokenTree::Ident(word) if word == "mod" => opened = tokens.peek().map(ToString::to_string),
                TokenTree::Ident(word) => {
                    let mut path = vec![word.to_string()];
                    while separator(&mut tokens) {
                        match tokens.next_if(|next| matches!(next, TokenTree::Ident(_))) {
                            Some(next) => path.push(next.to_string()),
                            None => break,
                        }
                    }
                    if path.len() > 1 {
                        self.add(path, module, item_in_tests);
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => item_in_tests = in_tests,
                // `#[serde(with = "crate::config::period")]`
                TokenTree::Literal(text) if text.to_string().starts_with("\"crate::") => {
                    let path = text.to_string().trim_matches('"').split("::").map(str::to_owned).collect();
                    self.add(path, module, item_in_tests);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// The rest of a `use` tree after `before`, up to its comma or semicolon.
    fn used(&mut self, tokens: &mut Tokens, before: &[String], module: &[String], in_tests: bool) {
        let mut path = before.to_vec();
        while let Some(token) =
            tokens.next_if(|next| !matches!(next, TokenTree::Punct(p) if ",;".contains(p.as_char())))
        {
            match token {
                TokenTree::Ident(word) if word == "as" => _ = tokens.next(),
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Group(group) => {
                    let mut inner = group.stream().into_iter().peekable();
                    while inner.peek().is_some() {
                        self.used(&mut inner, &path, module, in_tests);
                        inner.next();
                    }
                    return;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if !path.is_empty() {
            self.add(path, module, in_tests);
        }
    }

    fn add(&mut self, mut path: Vec<String>, module: &[String], in_tests: bool) {
        let mut base = module.to_vec();
        let climbs = path.iter().take_while(|word| *word == "super").count();
        if path[0] == "self" || climbs > 0 {
            base.truncate(base.len().saturating_sub(climbs));
            let rest = path.split_off(climbs.max(1));
            path = ["crate".to_owned()].into_iter().chain(base).chain(rest).collect();
        }
        self.names.push(Name { path, in_tests });
    }
}

fn is_cfg_test(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket && group.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Takes `::` if it is next.
fn separator(tokens: &mut Tokens) -> bool {
    let colon = |next: &TokenTree| matches!(next, TokenTree::Punct(mark) if mark.as_char() == ':');
    let joint = |next: &TokenTree| matches!(next, TokenTree::Punct(mark) if mark.as_char() == ':' && mark.spacing() == proc_macro2::Spacing::Joint);
    tokens.next_if(joint).is_some() && tokens.next_if(colon).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        names("src/rpc/login.rs", text).iter().map(|name| name.path.join("::")).collect()
    }

    #[test]
    fn paths_are_found_wherever_they_stand() {
        assert_eq!(written("use crate::{a::{B, c as d}, e::*};"), ["crate::a::B", "crate::a::c", "crate::e"]);
        assert_eq!(written("fn f(x: &tonic::Status) { y!(crate::store::Z) }"), ["tonic::Status", "crate::store::Z"]);
        assert_eq!(written("#[serde(with = \"crate::config::p\")] struct S;"), ["crate::config::p"]);
        assert_eq!(written("use super::super::store::X; use self::y;"), ["crate::store::X", "crate::rpc::login::y"]);
        assert_eq!(written("mod inner { use super::super::caller; }"), ["crate::rpc::caller"]);
        assert_eq!(written("match x { A => 1, _ => s.redis::<T>() } // tonic::Status"), [""; 0]);
    }

    #[test]
    fn an_item_for_tests_is_known_as_such() {
        let found = names("src/a.rs", "#[cfg(test)] mod tests { use tokio::test; } use tokio::time;");
        assert_eq!(found.iter().map(|name| name.in_tests).collect::<Vec<_>>(), [true, false]);
    }
}
