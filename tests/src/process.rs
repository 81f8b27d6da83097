//! Servers that are measured: what they take of the processor and the memory.

use crate::tools::SINK;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::{Pid, Uid};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How long a server may take to listen, in steps of [`STEP`].
const STEPS: u32 = 500;
const STEP: Duration = Duration::from_millis(20);

/// A process, ended when this value is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a server, and waits until it listens on `port`.
    pub fn serving(command: &mut Command, port: u16) -> Self {
        let child =
            command.stdin(Stdio::null()).spawn().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
        let mut process = Self(child);
        for _ in 0..STEPS {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return process;
            }
            let ended = process.0.try_wait().expect("the child is ours");
            assert!(ended.is_none(), "{command:?} ended");
            sleep(STEP);
        }
        panic!("{command:?} does not listen on port {port}")
    }

    /// User and system time so far, in microseconds.
    pub fn cpu(&self) -> f64 {
        cpu_of(self.0.id())
    }

    /// A line of /proc/PID/status, such as `VmRSS`, in kilobytes.
    pub fn memory(&self, line: &str) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("Linux has /proc");
        let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
        let kilobytes = value.and_then(|value| value.split_whitespace().next());
        kilobytes.and_then(|text| text.parse().ok()).expect("Linux knows how much memory a process takes")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).expect("a process id fits");
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// User and system time of a process so far, in microseconds.
pub fn cpu_of(process: u32) -> f64 {
    let pid = i32::try_from(process).expect("a process id fits");
    microseconds(clock_getcpuclockid(Pid::from_raw(pid)).expect("the process is there"))
}

/// `smtp-sink`, which keeps nothing.
pub fn sink(port: u16) -> Process {
    let mut command = Command::new(SINK);
    // As root, it only runs with another user's rights.
    if Uid::effective().is_root() {
        command.args(["-u", "nobody"]);
    }
    command.arg(format!("127.0.0.1:{port}")).arg("500").stderr(Stdio::null());
    Process::serving(&mut command, port)
}

/// The processor time of all programs that this one has started and waited for, in microseconds.
pub fn ended_cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("every process has such figures");
    let of = |time: TimeVal| u64::try_from(time.num_microseconds()).map(Duration::from_micros);
    let both = [usage.user_time(), usage.system_time()].map(|time| of(time).expect("time goes forward"));
    both.iter().sum::<Duration>().as_secs_f64() * 1e6
}

/// The processor time of this thread so far, in microseconds.
pub fn own_cpu() -> f64 {
    microseconds(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn microseconds(clock: ClockId) -> f64 {
    Duration::from(clock_gettime(clock).expect("Linux has this clock")).as_secs_f64() * 1e6
}
