//! Through a real Postfix: beside a content filter that does nothing, and beside a milter.

use crate::Run;
use crate::figures::{Bound, Figures, median, medians};
use crate::source::{Load, count};
use crate::stage::Listener;
use nix::unistd::Uid;
use scenarios::process::{Process, sink};
use scenarios::{Keys, Ports, Postfix, keys, ports};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const POSTFIX: &str = "/usr/sbin/postfix";
const OPENDKIM: &str = "/usr/sbin/opendkim";
const SIGN: &str = "master.cf: sign the submission port";
/// How long a queue may take to run empty.
const LIMIT: Duration = Duration::from_secs(300);

/// The rate with dkimgate as content filter of ten processes, beside one that changes nothing.
pub fn postfix(run: &mut Run) {
    if is_missing(POSTFIX) {
        return;
    }
    let (keys, elsewhere, ports) = (Keys::of("example.org"), ports::free(), Ports::free());
    let _sink = sink(elsewhere);
    let runtime = Runtime::new().expect("a runtime starts");
    let postfix = runtime.block_on(Postfix::on(ports, elsewhere).documented(SIGN).start());
    let load = Load::new(20, true, run.messages / 20);
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        let pass = pass(ports);
        let nothing = through(&runtime, &postfix, ports.submission, load);
        drop(pass);
        let gate = Listener::signing(&keys, &[keys::RSA]).start_on(ports.to_sign, ports.signed);
        let before = gate.process.cpu();
        rates.push((nothing, through(&runtime, &postfix, ports.submission, load)));
        costs.push((gate.process.cpu() - before) / count(load.messages));
        gate.assert_said("signed", load.messages);
    }
    let figures = &mut run.figures;
    figures.ratio(
        "signed, messages/s; beside: a filter that does nothing",
        medians(&rates),
        Bound::AtLeast(0.95),
    );
    figures.value("  processor time of a message, µs", median(costs), Bound::AtMost(600.0));
}

/// The processor time of a message that is signed on its way through Postfix, beside opendkim's.
pub fn milter(run: &mut Run) {
    if is_missing(POSTFIX) || is_missing(OPENDKIM) {
        return;
    }
    let (keys, elsewhere) = (Keys::of("example.org"), ports::free());
    let _sink = sink(elsewhere);
    let runtime = Runtime::new().expect("a runtime starts");
    let load = Load::new(20, true, run.messages / 20);
    let (ports, others) = (Ports::free(), Ports::free());
    let gate = Listener::signing(&keys, &[keys::RSA]).start_on(ports.to_sign, ports.signed);
    let (opendkim, _folder, port) = start_opendkim(&keys);
    let after_queue = runtime.block_on(Postfix::on(ports, elsewhere).documented(SIGN).start());
    let setup = Postfix::on(others, elsewhere).main(&format!("smtpd_milters = inet:127.0.0.1:{port}"));
    let before_queue = runtime.block_on(setup.main("milter_default_action = tempfail").start());
    let mut costs = Vec::new();
    for _ in 0..run.rounds {
        let before = (opendkim.cpu(), gate.process.cpu());
        through(&runtime, &before_queue, others.smtp, load);
        through(&runtime, &after_queue, ports.submission, load);
        let spent = (opendkim.cpu() - before.0, gate.process.cpu() - before.1);
        costs.push((spent.0 / count(load.messages), spent.1 / count(load.messages)));
    }
    gate.assert_said("signed", load.messages * run.rounds);
    let figures = &mut run.figures;
    figures.ratio("signing, processor time, µs; beside: opendkim", medians(&costs), Bound::None);
}

fn is_missing(program: &str) -> bool {
    let is_here = Path::new(program).exists() && Uid::effective().is_root();
    if !is_here {
        Figures::skipped(&format!("it takes root, and {program} of Debian's package of that name"));
    }
    !is_here
}

/// Sends through Postfix until all is delivered; messages a second.
fn through(runtime: &Runtime, postfix: &Postfix, port: u16, load: Load) -> f64 {
    let begun = Instant::now();
    load.rate(port);
    runtime.block_on(postfix.has_an_empty_queue(LIMIT));
    count(load.messages) / begun.elapsed().as_secs_f64()
}

/// A relay that changes nothing, in dkimgate's place.
fn pass(ports: Ports) -> Process {
    let this = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(this.with_file_name("pass"));
    command.args([format!("127.0.0.1:{}", ports.to_sign), format!("127.0.0.1:{}", ports.signed)]);
    Process::serving(command.stderr(Stdio::null()), ports.to_sign)
}

fn start_opendkim(keys: &Keys) -> (Process, TempDir, u16) {
    let (folder, port) = (tempfile::tempdir().expect("a temporary folder can be made"), ports::free());
    let text = format!(
        "Mode s\nDomain {}\nSelector {}\nKeyFile {}\nCanonicalization relaxed/relaxed\nSignatureAlgorithm rsa-sha256\n\
         Socket inet:{port}@127.0.0.1\nInternalHosts 127.0.0.0/8\nRequireSafeKeys false\nSyslog false\n",
        keys.domain(),
        keys::RSA,
        keys.file(keys::RSA).display()
    );
    let config = folder.path().join("opendkim.conf");
    std::fs::write(&config, text).expect("the temporary folder is ours");
    let mut command = Command::new(OPENDKIM);
    command.arg("-f").arg("-x").arg(config).stderr(Stdio::null());
    (Process::serving(&mut command, port), folder, port)
}
