//! The lines that a program writes while it runs.

use crate::wait;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What a running program has written so far; grows by itself.
#[derive(Clone, Debug)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Log {
    /// Collects the lines of `stream` until it ends.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Log {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (announce, count) = watch::channel(0);
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                announce.send_modify(|count| *count += 1);
                line.clear();
            }
        });
        Log { lines, count }
    }

    /// Everything written so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines so far that contain `text`.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }

    /// The first line that contains `text`; waits for it.
    pub async fn line_with(&self, text: &str) -> String {
        self.lines_until(text, 1, wait::STEP).await.swap_remove(0)
    }

    /// The lines that contain `text`, once there are `count` of them.
    pub async fn lines_until(&self, text: &str, count: usize, limit: Duration) -> Vec<String> {
        let mut changed = self.count.clone();
        let looking = async {
            loop {
                changed.borrow_and_update();
                let found = self.lines_with(text);
                if found.len() >= count {
                    return found;
                }
                let goes_on = changed.changed().await.is_ok();
                assert!(
                    goes_on,
                    "the program ended before {text:?} was in its log:\n{}",
                    self.lines().join("\n")
                );
            }
        };
        let Ok(found) = tokio::time::timeout(limit, looking).await else {
            let seen = self.lines_with(text).len();
            panic!(
                "{seen} of {count} lines with {text:?} after {} s:\n{}",
                limit.as_secs(),
                self.lines().join("\n")
            )
        };
        found
    }
}
