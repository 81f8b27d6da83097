//! What the program writes, and what it does when nobody reads it.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tempfile::TempDir;

/// An inbound file that listens on a port of the system's choice, and whose next hop is not there.
const INBOUND: &str = "role: inbound\nlisten: 127.0.0.1:0\nrelay: 127.0.0.1:1\n";

fn dkimgate(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dkimgate"));
    command.args(arguments).current_dir(folder).env("TMPDIR", folder.path()).stdin(Stdio::null());
    command
}

/// A standard output that nobody reads.
fn unread() -> Stdio {
    let (_, writer) = std::io::pipe().unwrap();
    writer.into()
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// A server that is ready, the port it has bound, and its log.
fn serve(folder: &TempDir, config: &str, more: &[&str]) -> (Child, u16, BufReader<ChildStderr>) {
    fs::write(folder.path().join("proxy.yaml"), config).unwrap();
    let mut command = dkimgate(folder, &[&["run", "proxy.yaml"], more].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it was ready");
    }
    let (_, address) = line.split_once("127.0.0.1:").unwrap();
    let port = address.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    (child, port, log)
}

/// Says a command, and gives the last line of the reply.
fn ask(stream: &mut BufReader<TcpStream>, command: &str) -> String {
    stream.get_mut().write_all(command.as_bytes()).unwrap();
    let mut line = String::new();
    while line.as_bytes().get(3) != Some(&b' ') {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the connection was closed after {command}");
    }
    line
}

#[test]
fn mail_goes_on_when_nobody_reads_the_log_any_more() {
    let folder = TempDir::new().unwrap();
    let (mut child, port, log) = serve(&folder, INBOUND, &[]);
    drop(log);
    for _ in 0..2 {
        let mut client = BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
        assert!(ask(&mut client, "").starts_with("220"));
        assert!(ask(&mut client, "EHLO client.example\r\n").starts_with("250"));
        // The next hop is not there, which is logged.
        assert!(ask(&mut client, "MAIL FROM:<a@a.example>\r\n").starts_with("451 4.4.1"));
        assert!(ask(&mut client, "QUIT\r\n").starts_with("221"));
    }
    interrupt(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn each_line_of_a_log_in_json_is_an_object_the_faults_of_the_file_among_them() {
    let folder = TempDir::new().unwrap();
    let doubtful = INBOUND.to_owned() + "hostname: mx.example.org\ndeadlines:\n  final: 1s\n";
    let (mut child, _, mut log) = serve(&folder, &doubtful, &["--log-format", "json"]);
    interrupt(&child);
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.contains("stopped"), "{rest}");
    all_objects(&rest);

    fs::write(folder.path().join("proxy.yaml"), doubtful.replace("relay", "rely")).unwrap();
    let Output { status, stderr, .. } =
        dkimgate(&folder, &["run", "--log-format", "json", "proxy.yaml"]).output().unwrap();
    assert_eq!(status.code(), Some(78));
    let events = all_objects(std::str::from_utf8(&stderr).unwrap());
    let fault = events.iter().find(|event| event["message"].as_str().unwrap().contains("rely")).unwrap();
    assert_eq!(
        (&fault["level"], &fault["file"], &fault["line"]),
        (&"ERROR".into(), &"proxy.yaml".into(), &3.into())
    );
    assert!(fault["remedy"].as_str().unwrap().contains("`relay`"), "{fault}");
    let doubt = events.iter().find(|event| event["level"] == "WARN").unwrap();
    assert_eq!(doubt["line"], 6, "{doubt}");
}

fn all_objects(log: &str) -> Vec<serde_json::Value> {
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!events.is_empty() && events.iter().all(serde_json::Value::is_object));
    events
}

#[test]
fn there_is_no_colour_in_what_is_not_written_to_a_terminal() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("proxy.yaml"), "role: inbound\n").unwrap();
    for arguments in [["run", "proxy.yaml"], ["check", "proxy.yaml"], ["demo", "--stay=yes"]] {
        let Output { stdout, stderr, .. } = dkimgate(&folder, &arguments).output().unwrap();
        assert!(!stderr.is_empty() && ![stdout, stderr].concat().contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn a_demo_whose_words_nobody_reads_comes_to_its_end_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let Output { status, stderr, .. } = dkimgate(&folder, &["demo"]).stdout(unread()).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_demo_that_stays_serves_until_it_is_interrupted_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let mut child = dkimgate(&folder, &["demo", "--stay"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Ctrl-C ends it") {
        assert!(told.read_line(&mut text).unwrap() > 0, "{text}");
    }
    let (before, _) = text.split_once(" --from you@example.org").unwrap();
    let port: u16 = before.rsplit(':').next().unwrap().parse().unwrap();
    let mut client = BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
    for command in
        ["", "EHLO a.example\r\n", "MAIL FROM:<you@example.org>\r\n", "RCPT TO:<ann@reader.example>\r\n"]
    {
        assert!(ask(&mut client, command).starts_with('2'));
    }
    assert!(ask(&mut client, "DATA\r\n").starts_with("354"));
    assert!(ask(&mut client, "From: you@example.org\r\n\r\nMy own words.\r\n.\r\n").starts_with("250"));
    while !text.contains("My own words.") {
        assert!(told.read_line(&mut text).unwrap() > 0, "{text}");
    }
    interrupt(&child);
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn what_is_piped_into_a_program_that_stops_reading_ends_quietly() {
    let folder = TempDir::new().unwrap();
    let arguments = ["key", "generate", "--domain", "example.org", "--selector", "s1", "--type", "ed25519"];
    let output = dkimgate(&folder, &arguments).stdout(unread()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.path().join("keys/example.org/s1.pem").exists());
}

#[test]
fn shells_and_man_are_told_of_every_command() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let Output { status, stdout, .. } = dkimgate(&folder, &["completions", shell]).output().unwrap();
        assert!(status.success() && String::from_utf8_lossy(&stdout).contains("log-format"), "{shell}");
    }
    assert!(dkimgate(&folder, &["man", "."]).output().unwrap().status.success());
    let page = fs::read_to_string(folder.path().join("dkimgate-key-generate.1")).unwrap();
    assert!(page.contains("\\-\\-selector"), "{page}");
    assert!(dkimgate(&folder, &["man", "share/man1"]).output().unwrap().status.success());
    assert!(folder.path().join("share/man1/dkimgate.1").exists());
    assert_eq!(dkimgate(&folder, &["man", "dkimgate.1"]).output().unwrap().status.code(), Some(74));
}
