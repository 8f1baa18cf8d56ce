//! How a Rust file opens, and how long it may grow. Does not know what is in it.

use super::tree::Tree;

/// The hard limit; a file over 300 lines is worth a look already.
const MOST_LINES: usize = 400;

/// Files that do not open with a `//!` of at least two sentences: what it owns, and what it does not know.
pub fn unopened(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|(_, text)| sentences(text) < 2)
        .map(|(file, _)| format!("{file}: opens without saying, in //!, what it owns and what it does not know"))
        .collect()
}

/// Files that hold more than one idea can carry.
pub fn overgrown(tree: &Tree) -> Vec<String> {
    tree.rust()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{file}: {lines} lines, {MOST_LINES} at most: where is the second idea?"))
        .collect()
}

fn sentences(text: &str) -> usize {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let ends = |word: &&str| word.ends_with(['.', '?', '!']);
    header.join(" ").split_whitespace().filter(ends).count()
}

#[cfg(test)]
mod tests {
    use super::super::{none, one};
    use super::*;

    #[test]
    fn a_file_that_opens_with_less_than_two_sentences_is_found() {
        one(&unopened(&Tree::of(&[("src/a.rs", "use x;\n//! Owns a. Does not know b.\n")])), "src/a.rs");
        one(&unopened(&Tree::of(&[("build.rs", "//! Owns the build.\n\nfn main() {}\n")])), "build.rs");
        none(&unopened(&Tree::of(&[("src/a.rs", "//! Owns a, which is 1.5 long.\n//! Does not know b.\n")])));
    }

    #[test]
    fn a_file_over_the_limit_is_found() {
        one(&overgrown(&Tree::of(&[("src/a.rs", &"\n".repeat(401))])), "401 lines");
        none(&overgrown(&Tree::of(&[("src/a.rs", &"\n".repeat(400))])));
    }
}
