//! The end-to-end scenarios, each against the built program.

mod harness;
