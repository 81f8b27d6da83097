//! One worker thread and two.

use crate::Run;
use crate::figures::{Bound, Figures, medians};
use crate::source::Load;
use crate::stage::Listener;
use scenarios::process::sink;
use scenarios::{Keys, keys, ports};

/// Whether signing gets faster with a second thread. Each message is signed three times, so that what it takes beside
/// the signatures, which smtp-source and smtp-sink do on the same processors, hardly counts.
pub fn threads(run: &mut Run) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        return Figures::skipped("there is one processor");
    }
    let (hop, keys) = (ports::free(), Keys::of("example.org"));
    let _sink = sink(hop);
    let listener = Listener::signing(&keys, &[keys::RSA; 3]);
    let one = listener.start_with(hop, &["--threads", "1"]);
    let two = listener.start_with(hop, &["--threads", "2"]);
    let load = Load::new(50, true, run.messages / 10);
    let rates: Vec<_> = (0..run.rounds).map(|_| (load.rate(one.port), load.rate(two.port))).collect();
    run.figures.ratio("two threads, messages/s; beside: one thread", medians(&rates), Bound::AtLeast(1.8));
}
