//! What time it is, and what is random, told from outside.

/// Tells the time. The engines never ask the system: the assembly hands a clock in, and a test its own.
pub trait Clock: Send + Sync + 'static {
    /// Seconds since 1970-01-01 UTC.
    fn now(&self) -> u64;
}

impl<F: Fn() -> u64 + Send + Sync + 'static> Clock for F {
    fn now(&self) -> u64 {
        self()
    }
}

/// Draws numbers that nobody draws twice. The engines draw none themselves, for the same reason.
pub trait Randomness: Send + Sync + 'static {
    /// The next number; all of its bits are random.
    fn draw(&self) -> u128;
}

impl<F: Fn() -> u128 + Send + Sync + 'static> Randomness for F {
    fn draw(&self) -> u128 {
        self()
    }
}
