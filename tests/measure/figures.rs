//! The table: each figure beside its bound.

/// What a figure is held to.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// It is told, and held to nothing.
    None,
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
            Self::None => true,
        }
    }

    fn verdict(self, value: f64) -> String {
        let words = match self {
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::AtMost(bound) => format!("at most {bound}"),
            Self::None => return String::new(),
        };
        format!("{words}: {}", if self.holds(value) { "held" } else { "MISSED" })
    }
}

/// What was measured so far. Lines are printed as they come, since the whole takes minutes.
#[derive(Debug, Default)]
pub struct Figures {
    missed: Vec<String>,
}

impl Figures {
    /// Begins a part.
    pub fn part(name: &str, what: &str) {
        println!("\n{:<56} {:>10} {:>10} {:>7}", format!("{name}: {what}"), "beside", "dkimgate", "ratio");
    }

    /// A figure, held to a bound itself.
    pub fn value(&mut self, name: &str, value: f64, bound: Bound) {
        println!("  {name:<54} {:>10} {:>10} {:>7}   {}", "", number(value), "", bound.verdict(value));
        self.note(name, value, bound);
    }

    /// A figure beside another one of the same run; what is bounded is the ratio.
    pub fn ratio(&mut self, name: &str, (beside, value, ratio): (f64, f64, f64), bound: Bound) {
        let (beside, value, shown) = (number(beside), number(value), format!("{ratio:.2}"));
        println!("  {name:<54} {beside:>10} {value:>10} {shown:>7}   {}", bound.verdict(ratio));
        self.note(name, ratio, bound);
    }

    /// What could not be measured.
    pub fn skipped(why: &str) {
        println!("  skipped: {why}");
    }

    /// The last line; whether every bound was held.
    pub fn end(&self) -> bool {
        match self.missed.as_slice() {
            [] => println!("\nevery bound is held"),
            missed => println!("\n{} missed: {}", missed.len(), missed.join("; ")),
        }
        self.missed.is_empty()
    }

    fn note(&mut self, name: &str, value: f64, bound: Bound) {
        if !bound.holds(value) {
            self.missed.push(name.to_owned());
        }
    }
}

fn number(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// The middle one. The larger of two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians of pairs that were measured in turns, and the median of their ratios, second to first.
pub fn medians(pairs: &[(f64, f64)]) -> (f64, f64, f64) {
    let of = |pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    (of(|pair| pair.0), of(|pair| pair.1), of(|pair| pair.1 / pair.0))
}
