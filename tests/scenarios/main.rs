//! The end-to-end scenarios, each against the built program.

mod before_queue;
mod clients;
mod documents;
mod endurance;
mod fitness;
mod harness;
mod keylife;
mod load;
mod monitoring;
mod opensmtpd;
mod outage;
mod port25;
mod relay;
mod rewriting;
mod stores;
mod stores_tls;
mod submission;
