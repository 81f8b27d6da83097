//! How long the program takes to start with a hundred thousand domains in each kind of table, and how much memory.

use crate::Run;
use crate::figures::{Bound, median};
use scenarios::process::Process;
use scenarios::{Keys, keys, ports, program};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const DOMAINS: usize = 100_000;

/// The tables by what they are called here.
const TABLES: [&str; 6] = [
    "rules, one key file",
    "rules, a key file each",
    "a key directory",
    "a list of domains",
    "sender_map",
    "refile:",
];

/// From the start until it listens, by the clock; and the most memory until then.
pub fn start(run: &mut Run) {
    let keys = Keys::of("example.org");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let key = keys.file(keys::RSA);
    for domain in 0..DOMAINS {
        let own = folder.path().join(format!("keys/d{domain}.example"));
        fs::create_dir_all(&own).expect("the temporary folder is ours");
        // With its mode.
        fs::copy(&key, own.join("s1.pem")).expect("the temporary folder is ours");
    }
    for table in TABLES {
        let config = folder.path().join("proxy.yaml");
        let sign = sign(table, folder.path(), &key);
        let port = ports::free();
        let relay = ports::free();
        let text =
            format!("role: outbound\nlisten: 127.0.0.1:{port}\nrelay: 127.0.0.1:{relay}\nsign:\n{sign}");
        fs::write(&config, text).expect("the temporary folder is ours");
        let (mut seconds, mut busy, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..run.rounds {
            let begun = Instant::now();
            let mut command = Command::new(program());
            let process = Process::serving(command.arg("run").arg(&config).stderr(Stdio::null()), port);
            seconds.push(begun.elapsed().as_secs_f64());
            busy.push(process.cpu() / 1e6);
            memory.push(process.memory("VmHWM"));
        }
        let figures = &mut run.figures;
        figures.value(&format!("{table}, seconds"), median(seconds), Bound::AtMost(2.0));
        figures.value("  processor time, all threads", median(busy), Bound::None);
        figures.value("  memory, kB", median(memory), Bound::AtMost(200_000.0));
    }
}

/// What stands below `sign:`; the table's files are written.
fn sign(table: &str, folder: &Path, key: &Path) -> String {
    let key = key.display();
    let lines = |line: &dyn Fn(usize) -> String| (0..DOMAINS).map(line).collect::<String>();
    let put =
        |name: &str, text: String| fs::write(folder.join(name), text).expect("the temporary folder is ours");
    let rule =
        |n: usize, key: &str| format!("  - domain: d{n}.example\n    selector: s1\n    keyfile: {key}\n");
    match table {
        "rules, one key file" => lines(&|n| rule(n, &key.to_string())),
        "rules, a key file each" => lines(&|n| rule(n, &format!("keys/d{n}.example/s1.pem"))),
        "a key directory" => "  - directory: keys\n".to_owned(),
        "a list of domains" => {
            let domains = lines(&|n| format!("      - d{n}.example\n"));
            format!("  - domain:\n{domains}    selector: s1\n    keyfile: {key}\n")
        }
        "sender_map" => {
            put("map", lines(&|n| format!("d{n}.example dkim(d=d{n}.example,s=s1,key={key})\n")));
            "  - sender_map: map\n".to_owned()
        }
        _ => {
            put("signing", lines(&|n| format!("*@d{n}.example k{n}\n")));
            put("keys.table", lines(&|n| format!("k{n} d{n}.example:s1:{key}\n")));
            "  - signing_table: refile:signing\n    key_table: refile:keys.table\n".to_owned()
        }
    }
}
