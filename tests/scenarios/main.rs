//! The end-to-end scenarios, each against the built program.

mod before_queue;
mod endurance;
mod fitness;
mod harness;
mod load;
mod outage;
mod port25;
mod relay;
mod submission;
