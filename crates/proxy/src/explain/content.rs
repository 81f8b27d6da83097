//! What the relay does to the content of a message, before an engine sees it and after: in the words of the log.

use crate::assemble::Assembly;
use config::{Conformity, Engine};
use filter::Measure;
use mail::Header;
use mail::conversion::{Survey, Unfit, convert};
use relay::{told, unfit_words};
use smtp::content::ContentDecoder;

/// Content as an engine sees it, and what was said of it on the way.
pub struct Content {
    /// The message.
    pub octets: Vec<u8>,
    /// What was mended, or refused.
    pub words: Option<String>,
    /// What of it is refused.
    pub refused: Option<&'static str>,
}

impl Content {
    /// Takes a message in as the listener would.
    pub fn taken(message: &[u8], assembly: &Assembly) -> Self {
        let repairs = assembly.config.listener.repairs;
        let mut decoder = ContentDecoder::of_chunks(repairs);
        let mut octets = Vec::with_capacity(message.len());
        // Chunks have no end of their own.
        let _ = decoder.decode(message, |piece| octets.extend_from_slice(piece));
        let strays = decoder.finish(|piece| octets.extend_from_slice(piece)).strays;
        Self { octets, words: told(strays, repairs), refused: strays.refused(repairs) }
    }

    /// What a later server would change, and what is done about it before the message is signed.
    pub fn fitted(&self, assembly: &Assembly) -> Fitted {
        let mut fitted = Fitted::default();
        let Engine::Outbound(outbound) = &assembly.config.engine else { return fitted };
        let passes = assembly.config.listener.eightbitmime;
        let found = Survey::of(&self.octets).and(Unfit { long_lines: true, eight_bit: !passes });
        let with =
            |measure| Some(found.and(about(outbound.conformity, measure))).filter(|unfit| !unfit.is_none());
        fitted.refused = with(Measure::Refuse).map(unfit_words);
        if let Some(wanted) = with(Measure::Fix) {
            let (header, body) = Header::split(&self.octets);
            let words = match convert(&header, body, wanted) {
                Ok(converted) => {
                    fitted.message = Some([converted.header.raw(), b"\r\n", &converted.body].concat());
                    format!("{} fixed, {} parts encoded", unfit_words(wanted), converted.parts)
                }
                Err(why) => format!("{} not fixed: {why}", unfit_words(wanted)),
            };
            fitted.words.push(words);
        }
        fitted.words.extend(with(Measure::Warn).map(|unfit| unfit_words(unfit).to_owned()));
        fitted
    }
}

/// A message before it is signed.
#[derive(Default)]
pub struct Fitted {
    /// What it is refused for.
    pub refused: Option<&'static str>,
    /// The message, if it was changed.
    pub message: Option<Vec<u8>>,
    /// What the log says.
    pub words: Vec<String>,
}

/// What is done by this measure.
fn about(conformity: Conformity, measure: Measure) -> Unfit {
    Unfit { long_lines: conformity.long_lines == measure, eight_bit: conformity.eight_bit == measure }
}
