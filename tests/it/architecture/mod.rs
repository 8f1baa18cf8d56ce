//! The shape of the house, kept by tests: who may name whom, where a foreign type stops, how a file opens, what every
//! RPC has. Does not know what any of the code does; each rule also shows that it finds a breach.

mod arrows;
mod contract;
mod doors;
mod names;
mod reasons;
mod shape;
mod tree;

use tree::Tree;

/// Fails with every breach of a rule, one a line.
#[track_caller]
fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "{} breach(es):\n  {}", breaches.len(), breaches.join("\n  "));
}

/// Fails unless the rule finds exactly one breach in a broken tree, and names `what` in it.
#[track_caller]
fn one(breaches: &[String], what: &str) {
    assert_eq!(breaches.len(), 1, "one breach was made, these were found: {breaches:#?}");
    assert!(breaches[0].contains(what), "{what:?} is not named in {:?}", breaches[0]);
}

#[test]
fn every_arrow_points_inwards() {
    none(&arrows::breaches(&Tree::read()));
}

#[test]
fn no_foreign_type_passes_its_door() {
    none(&doors::breaches(&Tree::read()));
}

#[test]
fn every_file_opens_by_saying_what_it_owns_and_what_it_does_not_know() {
    none(&shape::unopened(&Tree::read()));
}

#[test]
fn no_file_outgrows_its_idea() {
    none(&shape::overgrown(&Tree::read()));
}

#[test]
fn every_rpc_says_who_may_call_it_whether_to_retry_and_why_it_fails() {
    none(&contract::uncommented(&Tree::read()));
}

#[test]
fn every_rpc_has_its_policy_row() {
    none(&contract::without_policy(&Tree::read()));
}

#[test]
fn every_rpc_has_a_call_in_the_rust_client() {
    none(&contract::without_client_call(&Tree::read()));
}

#[test]
fn every_rpc_has_its_use_case() {
    none(&contract::without_use_case(&Tree::read()));
}

#[test]
fn the_page_of_reasons_is_fresh() {
    none(&reasons::stale(&Tree::read()));
}
