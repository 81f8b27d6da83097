//! Key folders, looked at while the program serves: a key whose turn it is signs at once.

use crate::assemble::{Assembly, Missing, assemble_again};
use crate::cli::LogFormat;
use crate::faults;
use crate::metrics::Metrics;
use config::{Engine, KeyFolders, Report, Source};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep_until};
use tracing::error;

/// How often folders are looked at; less often where looking takes long.
const EVERY: Duration = Duration::from_secs(1);
/// A hundred thousand folders take a quarter of a second: the program has better things to do than to look at them.
const SHARE: u32 = 100;

/// The files in force that sign, and the folders whose keys it signs with.
pub struct KeyWatch {
    files: Vec<Arc<Source>>,
    folders: KeyFolders,
    next: Instant,
    /// What was wrong when a change was to take effect, and did not.
    trouble: Option<String>,
    format: LogFormat,
}

impl KeyWatch {
    /// Watches the folders of a configuration that is in force, and that began to be read at this time.
    pub fn new(assemblies: Vec<Assembly>, read: SystemTime, format: LogFormat) -> Self {
        let signs = |assembly: &Assembly| matches!(assembly.config.engine, Engine::Outbound(_));
        let watched = |assembly: Assembly| (assembly.config.file, assembly.folders);
        let (files, folders): (Vec<_>, Vec<_>) = assemblies.into_iter().filter(signs).map(watched).unzip();
        let folders = KeyFolders::together(folders, read);
        Self { files, folders, next: Instant::now() + EVERY, trouble: None, format }
    }

    /// Waits until other keys sign, and gives what is in force from then on: the files that sign as they were read, with
    /// the keys of now. Nothing is lost if nobody waits to the end.
    pub async fn changed(&mut self, metrics: &Metrics) -> Vec<Assembly> {
        if self.folders.is_empty() {
            return std::future::pending().await;
        }
        loop {
            sleep_until(self.next).await;
            if let Some(assemblies) = tokio::task::block_in_place(|| self.look(metrics)) {
                return assemblies;
            }
        }
    }

    fn look(&mut self, metrics: &Metrics) -> Option<Vec<Assembly>> {
        let (began, read) = (Instant::now(), SystemTime::now());
        let has_changed = self.folders.have_changed(read) || self.trouble.is_some();
        self.next = next(began);
        if !has_changed {
            return None;
        }
        let (assemblies, reports) = assemble_again(&self.files, Missing::Make, metrics);
        if faults::any_fatal(&reports) || assemblies.len() < self.files.len() {
            self.complain(&reports);
            self.next = next(began);
            return None;
        }
        // What changes while the files are read again is seen at the next look: this one was before.
        self.trouble = None;
        Some(assemblies)
    }

    /// Says once what is wrong. A key that is being copied into its folder is whole at one of the next looks.
    fn complain(&mut self, reports: &[Report]) {
        let trouble: String = reports.iter().map(|report| report.render(false)).collect();
        if self.trouble.as_ref() != Some(&trouble) {
            faults::log(reports, self.format);
            error!("the keys have changed, and cannot be used: see above; those in force stay");
            self.trouble = Some(trouble);
        }
    }
}

/// When to look again, after a look that began at this time.
fn next(began: Instant) -> Instant {
    began + EVERY.max(began.elapsed() * SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::assemble;
    use crate::key::{file, generate};
    use dkim::KeyKind;
    use std::fs;

    /// A verifier has nothing to do with our keys, and keeps what it has found out.
    #[tokio::test(flavor = "multi_thread")]
    async fn where_other_keys_sign_only_the_files_that_sign_are_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        generate::make(&path("keys/a.example/s1.pem"), KeyKind::Ed25519, 0, None).unwrap();
        let outbound = "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\ncheck_keys: off\nsign:\n  - directory: keys\n";
        let inbound = "role: inbound\nlisten: 127.0.0.1:3\nrelay: 127.0.0.1:4\nhostname: mx.example\ndns: {zone: zone.json}\n";
        for (name, text) in [("in.yaml", inbound), ("out.yaml", outbound), ("zone.json", "{}")] {
            fs::write(path(name), text).unwrap();
        }
        let (read, metrics) = (SystemTime::now(), Metrics::default());
        let (assemblies, reports) = assemble(&[path("in.yaml"), path("out.yaml")], Missing::Leave, &metrics);
        assert_eq!(assemblies.len(), 2, "{reports:?}");
        let mut watch = KeyWatch::new(assemblies, read, LogFormat::Text);
        let key = file::read(&path("keys/a.example/s1.pem")).unwrap();
        file::write(&path("keys/b.example/s1.pem"), &key, None).unwrap();
        let changed = watch.changed(&metrics).await;
        let names: Vec<_> = changed.iter().map(Assembly::role).collect();
        assert_eq!(names, ["outbound"]);
    }
}
