//! Where work stands in a trace that somebody else began, after [W3C Trace Context], and the spans that this
//! process adds to it where it has a [`Tracer`].
//!
//! Without one, nothing is measured, and a caller's place goes on as it came: to jobs, programs, mounted
//! servers and services.
//!
//! [W3C Trace Context]: https://www.w3.org/TR/trace-context/

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use crate::JsonObject;

/// What the place is called in `_meta`, and in the head of a request.
pub const TRACEPARENT: &str = "traceparent";

/// What it is called in the environment of a program.
pub const TRACEPARENT_VARIABLE: &str = "TRACEPARENT";

/// The trace is kept by whoever began it.
const SAMPLED: u8 = 1;

/// The last of the flags that are known: that the trace id is random.
const KNOWN_FLAGS: u8 = 3;

/// A place in a trace: which trace, and below which of its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// A place below the span `span_id` of the trace `trace_id`, which is kept.
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        Self {
            trace_id,
            span_id,
            flags: SAMPLED,
        }
    }

    /// Reads a `traceparent`, section 3.2 of the recommendation: of version 00 exactly that, of later ones what
    /// is known of them. `None` of anything else, and of ids that are zero; whoever gets that begins a trace.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (known, rest) = bytes.split_at_checked(55)?;
        let version = hexadecimal::<1>(&known[..2])?[0];
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => matches!(rest, [] | [b'-', ..]),
        };
        let has_dashes = [2, 35, 52].iter().all(|place| known[*place] == b'-');
        if !is_whole || !has_dashes {
            return None;
        }
        let place = Self {
            trace_id: hexadecimal(&known[3..35])?,
            span_id: hexadecimal(&known[36..52])?,
            flags: hexadecimal::<1>(&known[53..])?[0] & KNOWN_FLAGS,
        };
        let is_zero = place.trace_id == [0; 16] || place.span_id == [0; 8];
        (!is_zero).then_some(place)
    }

    /// What the metadata of a request says.
    pub fn of_meta(meta: &JsonObject) -> Option<Self> {
        Self::parse(meta.get(TRACEPARENT)?.as_str()?)
    }

    /// Which trace, as 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        digits(&self.trace_id)
    }

    /// Below which span, as 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        digits(&self.span_id)
    }

    /// Whether whoever began the trace keeps it.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The place below another span of the same trace.
    fn below(self, span_id: [u8; 8]) -> Self {
        Self { span_id, ..self }
    }
}

/// As version 00 writes it.
impl fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (self.trace_id(), self.span_id());
        write!(formatter, "00-{trace}-{span}-{:02x}", self.flags)
    }
}

/// The bytes that exactly these lower-case digits say.
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

fn digits(bytes: &[u8]) -> String {
    crate::artifact::hexadecimal(bytes)
}

/// Whoever keeps the spans of this process.
pub trait Tracer: Send + Sync {
    /// A trace id that no other trace has, and never zero.
    fn trace_id(&self) -> [u8; 16];

    /// A span id that no other span of its trace has, and never zero.
    fn span_id(&self) -> [u8; 8];

    /// Takes a span that is over; returns at once.
    fn keep(&self, span: Kept);
}

static TRACER: OnceLock<Arc<dyn Tracer>> = OnceLock::new();

/// Has `tracer` keep the spans of this process from now on; `false` where another one does.
pub fn install(tracer: Arc<dyn Tracer>) -> bool {
    TRACER.set(tracer).is_ok()
}

/// What a span is to the one above it (OpenTelemetry's span kinds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work that was put into a queue by the one above it.
    Consumer,
    /// A part of it.
    Internal,
    /// What it asked this process for.
    Server,
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it stands itself: what is below it has this as its parent.
    pub place: TraceParent,
    /// The span above it; `None` where it begins its trace.
    pub parent: Option<TraceParent>,
    /// What it is to that.
    pub kind: Kind,
    /// What was done.
    pub name: String,
    /// When it began.
    pub begun: Instant,
    /// How long it took.
    pub took: Duration,
    /// What is known of it.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it failed; a name of a closed set, and nothing that anybody wrote.
    pub error: Option<&'static str>,
}

/// Work that is under way, in a process with a [`Tracer`]; else the place of the caller.
#[derive(Debug)]
pub struct Span {
    parent: Option<TraceParent>,
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    place: TraceParent,
    kind: Kind,
    name: String,
    begun: Instant,
    attributes: Vec<(&'static str, String)>,
    error: Option<&'static str>,
}

impl Span {
    /// Begins a span below `parent`, or a trace where there is none. Where whoever began the trace does not keep
    /// it, this does not either.
    pub fn begin(kind: Kind, parent: Option<TraceParent>, name: impl FnOnce() -> String) -> Self {
        let tracer = TRACER.get();
        let is_kept = parent.is_none_or(|parent| parent.is_sampled());
        let open = tracer.filter(|_| is_kept).map(|tracer| {
            let span_id = tracer.span_id();
            let place = match parent {
                Some(parent) => parent.below(span_id),
                None => TraceParent::new(tracer.trace_id(), span_id),
            };
            Box::new(Open {
                place,
                kind,
                name: name(),
                begun: Instant::now(),
                attributes: Vec::new(),
                error: None,
            })
        });
        Self { parent, open }
    }

    /// Where what this begins stands.
    pub fn place(&self) -> Option<TraceParent> {
        self.open.as_ref().map(|open| open.place).or(self.parent)
    }

    /// Says something about it, where it is kept.
    pub fn say(&mut self, what: &'static str, value: impl FnOnce() -> String) {
        if let Some(open) = &mut self.open {
            open.attributes.push((what, value()));
        }
    }

    /// It failed, for this reason.
    pub fn fail(&mut self, why: &'static str) {
        if let Some(open) = &mut self.open {
            open.error = Some(why);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let (Some(open), Some(tracer)) = (self.open.take(), TRACER.get()) else {
            return;
        };
        tracer.keep(Kept {
            place: open.place,
            parent: self.parent,
            kind: open.kind,
            name: open.name,
            begun: open.begun,
            took: open.begun.elapsed(),
            attributes: open.attributes,
            error: open.error,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_place_is_read_and_written_as_the_recommendation_says() {
        let place = TraceParent::parse(ONE).unwrap();
        assert_eq!(place.to_string(), ONE);
        assert_eq!(place.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(place.span_id(), "b7ad6b7169203331");
        assert!(place.is_sampled());
        let unkept = ONE.replace("-01", "-00");
        assert!(!TraceParent::parse(&unkept).unwrap().is_sampled());
        // What later versions add is passed over, and so are flags that nobody knows yet.
        for later in [
            ONE.replace("00-", "01-"),
            format!("{}-more", ONE.replace("00-", "cc-")),
            ONE.replace("-01", "-fd"),
        ] {
            assert_eq!(TraceParent::parse(&later), Some(place), "{later}");
        }
    }

    #[test]
    fn what_is_no_place_is_none() {
        for wrong in [
            "",
            "00",
            &ONE[1..],
            &ONE[..54],
            &format!("{ONE} "),
            &format!("{ONE}-more"),
            &format!("{}.more", ONE.replace("00-", "01-")),
            &ONE.replace("00-", "ff-"),
            &ONE.replace("00-", "0g-"),
            &ONE.to_uppercase(),
            &ONE.replace('-', "_"),
            &ONE.replace("-01", "-0x"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319ä-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn without_a_tracer_the_callers_place_goes_on_as_it_came() {
        let place = TraceParent::parse(ONE);
        let mut span = Span::begin(Kind::Server, place, || panic!("nobody reads it"));
        span.say("what", || panic!("nobody reads it"));
        assert_eq!(span.place(), place);
        assert_eq!(Span::begin(Kind::Server, None, String::new).place(), None);
    }
}
