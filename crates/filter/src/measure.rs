//! What is done about a message that is not as it should be.

/// What is done about something that servers on the way may change, and a signature would not survive.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Measure {
    /// Nothing; nobody looks.
    #[default]
    Off,
    /// The log line says it.
    Warn,
    /// The client hears no.
    Refuse,
    /// It is set right before the message is signed. What cannot be set right goes on as with [`Self::Warn`].
    Fix,
}

impl Measure {
    /// Each of them, in the order of what they do.
    pub const ALL: [Self; 4] = [Self::Off, Self::Warn, Self::Refuse, Self::Fix];
}
