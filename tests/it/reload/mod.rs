//! Owns what changes while an authority runs: its keys and its configuration. Does not know how a configuration is read.

mod certificates;
mod checked;
mod gap;
mod outlived;
mod own_rings;
mod process;
mod repeated;
mod replicas;
pub mod served;
mod told;
