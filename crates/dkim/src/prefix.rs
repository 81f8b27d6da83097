//! The beginnings of `b=` that tell the signatures of a message apart (RFC 6008 §4).

use crate::report::Report;

/// RFC 6008 §4: "MUST be at least the first eight characters of the digital signature"
const MIN: usize = 8;

/// The characters of base64 in a value: what else there is would break a result field.
pub(crate) fn compact(value: &str) -> String {
    value.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect()
}

/// Cuts `b` of each report to what tells it from the others, and to eight characters at least.
pub(crate) fn shorten(reports: &mut [Report]) {
    let mut order: Vec<usize> = (0..reports.len()).collect();
    order.sort_unstable_by(|&one, &other| reports[one].b.cmp(&reports[other].b));
    let mut lengths = vec![MIN; reports.len()];
    // Sorted, the one that has most in common with a text stands next to it.
    for pair in order.windows(2) {
        let (one, other) = (&reports[pair[0]].b, &reports[pair[1]].b);
        let common = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        for &at in pair {
            lengths[at] = lengths[at].max(common + 1);
        }
    }
    for (report, length) in reports.iter_mut().zip(lengths) {
        report.b.truncate(length);
    }
}
