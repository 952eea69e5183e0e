//! How far a program is, read from what it prints.

use farcall_config::file::{Preset, ProgressPattern};
use regex::{Captures, Regex};

/// What a line tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The stage that it is in: its number from 1, or its name.
    pub stage: Option<String>,
    /// How far the present stage is, from 0 to 1.
    pub fraction: Option<f64>,
    /// What is being done.
    pub message: Option<String>,
}

/// Reads progress from lines of output, one after the other.
#[derive(Clone, Debug)]
pub struct ProgressReader {
    pattern: Regex,
    /// Whether it finds moments of [`FFMPEG`] instead of shares.
    finds_times: bool,
    /// ffmpeg says how long its input is before it says where in it it is.
    duration: Option<f64>,
}

/// The percentage stands in front of the bar, and what is counted behind it; a name of the bar
/// stands before all.
const TQDM: &str = r"^(?:(?P<message>\S.*?):\s*)?\s*(?P<percent>\d{1,3})%\|[^|]*\|(?:\s*(?P<done>\d+)/(?P<total>\d+)\s)?";
const PERCENT: &str = r"(?:^|[^\d.])(?P<percent>\d{1,3}(?:\.\d+)?)\s?%";
/// No date and no path: nothing that belongs to a number or another fraction stands around it.
const FRACTION: &str = r"(?:^|[^\d/.\-])(?P<done>\d+)\s?/\s?(?P<total>\d+)(?:$|[^\d/.\-]|\.$)";
const FFMPEG: &str = r"\b(?P<what>Duration:\s*|time=\s*)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?)";

impl ProgressReader {
    /// A reader of lines as `pattern` describes them.
    ///
    /// # Errors
    /// What is wrong with the regular expression.
    pub fn new(pattern: &ProgressPattern) -> Result<Self, String> {
        let finds_times = *pattern == ProgressPattern::Preset(Preset::Ffmpeg);
        let pattern = match pattern {
            ProgressPattern::Preset(Preset::Ffmpeg) => FFMPEG,
            ProgressPattern::Preset(Preset::Fraction) => FRACTION,
            ProgressPattern::Preset(Preset::Percent) => PERCENT,
            ProgressPattern::Preset(Preset::Tqdm) => TQDM,
            ProgressPattern::Custom(pattern) => pattern,
        };
        let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
        Ok(Self {
            pattern,
            finds_times,
            duration: None,
        })
    }

    /// What `line` tells, where it tells anything.
    pub fn read(&mut self, line: &str) -> Option<Reading> {
        let found = self.pattern.captures(line)?;
        if self.finds_times {
            return self.read_time(&found);
        }
        let text = |name: &str| {
            let text = found.name(name)?.as_str().trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let reading = Reading {
            stage: text("stage"),
            fraction: fraction(&found),
            message: text("message"),
        };
        (reading != Reading::default()).then_some(reading)
    }

    fn read_time(&mut self, found: &Captures<'_>) -> Option<Reading> {
        let seconds = 3_600.0 * number(found, "hours")?
            + 60.0 * number(found, "minutes")?
            + number(found, "seconds")?;
        if found.name("what")?.as_str().starts_with('D') {
            // Of several inputs the longest counts.
            let longest = self.duration.map_or(seconds, |known| known.max(seconds));
            self.duration = Some(longest);
            return None;
        }
        let fraction = share(seconds, self.duration?)?;
        Some(Reading {
            fraction: Some(fraction),
            ..Reading::default()
        })
    }
}

fn fraction(found: &Captures<'_>) -> Option<f64> {
    let counted = || share(number(found, "done")?, number(found, "total")?);
    let percent = || share(number(found, "percent")?, 100.0);
    let fraction = || share(number(found, "fraction")?, 1.0);
    counted().or_else(percent).or_else(fraction)
}

fn number(found: &Captures<'_>, name: &str) -> Option<f64> {
    found.name(name)?.as_str().trim().parse().ok()
}

/// What is more than all or less than nothing was no progress.
fn share(done: f64, total: f64) -> Option<f64> {
    let share = done / total;
    (total > 0.0 && (0.0..=1.0).contains(&share)).then_some(share)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn preset(preset: Preset) -> ProgressReader {
        ProgressReader::new(&ProgressPattern::Preset(preset)).unwrap()
    }

    fn custom(pattern: &str) -> ProgressReader {
        ProgressReader::new(&ProgressPattern::Custom(pattern.to_owned())).unwrap()
    }

    fn fractions(mut reader: ProgressReader, lines: &[&str]) -> Vec<Option<f64>> {
        let read = lines.iter().map(|line| reader.read(line));
        read.map(|reading| reading?.fraction).collect()
    }

    #[test]
    fn tqdm_is_read() {
        let lines = [
            "  0%|          | 0/60 [00:00<?, ?it/s]",
            " 25%|██▌       | 15/60 [00:01<00:03, 14.9it/s]",
            "100%|##########| 60/60 [00:04<00:00, 14.9it/s]",
            " 41%|████      | 41.2k/100k [00:01<00:02, 24kB/s]",
            "15it [00:01, 14.9it/s]",
            "loss is 25% lower",
        ];
        let expected = [Some(0.0), Some(0.25), Some(1.0), Some(0.41), None, None];
        assert_eq!(fractions(preset(Preset::Tqdm), &lines), expected);
        let named = preset(Preset::Tqdm).read("Epoch 1:  50%|█████     | 1/2 [00:00<00:00]");
        assert_eq!(named.unwrap().message.as_deref(), Some("Epoch 1"));
    }

    #[test]
    fn ffmpeg_is_read_once_it_has_said_how_long_its_input_is() {
        let lines = [
            "frame=   10 fps=0.0 q=0.0 size=0kB time=00:00:01.00 bitrate=0.0kbits/s",
            "  Duration: 00:00:10.00, start: 0.000000, bitrate: 1205 kb/s",
            "  Duration: N/A, start: 0.000000",
            "frame=  100 fps= 25 q=28.0 size=256kB time=00:00:02.50 bitrate= 838.9kbits/s",
            "frame=  100 fps= 25 q=28.0 size=256kB time=N/A bitrate=N/A",
            "frame=  250 fps= 25 q=28.0 Lsize=512kB time=00:00:10.00 bitrate= 419.4kbits/s",
        ];
        let expected = [None, None, None, Some(0.25), None, Some(1.0)];
        assert_eq!(fractions(preset(Preset::Ffmpeg), &lines), expected);
    }

    #[test]
    fn percentages_are_read() {
        let lines = [
            "28 %",
            "done: 12.5%",
            "100%",
            "101%",
            "1234%",
            "x 7% y",
            "%",
            "3.14.15%",
        ];
        let expected = [
            Some(0.28),
            Some(0.125),
            Some(1.0),
            None,
            None,
            Some(0.07),
            None,
            None,
        ];
        assert_eq!(fractions(preset(Preset::Percent), &lines), expected);
    }

    #[test]
    fn fractions_are_read_and_dates_and_paths_are_not() {
        let lines = [
            "17/68",
            "frame 1 / 4",
            "[3/4] linking",
            "(1/4)",
            "2024/01/02",
            "a/1/4/b",
            "5/4",
            "1/0",
            "0/0",
            "3.1/4",
            "step 1/4.",
        ];
        let quarter = Some(0.25);
        let expected = [
            quarter,
            quarter,
            Some(0.75),
            quarter,
            None,
            None,
            None,
            None,
            None,
            None,
            quarter,
        ];
        assert_eq!(fractions(preset(Preset::Fraction), &lines), expected);
    }

    #[test]
    fn a_pattern_of_ones_own_names_what_it_finds() {
        let mut reader = custom(r"^STAGE (?P<stage>\w+)|^f=(?P<fraction>[\d.]+) (?P<message>.*)");
        let reading = reader.read("STAGE encoding").unwrap();
        assert_eq!(reading.stage.as_deref(), Some("encoding"));
        let reading = reader.read("f=0.5 half way ").unwrap();
        assert_eq!(reading.fraction, Some(0.5));
        assert_eq!(reading.message.as_deref(), Some("half way"));
        assert_eq!(reader.read("f=1.5 "), None);
        let broken = ProgressPattern::Custom("(".to_owned());
        assert!(ProgressReader::new(&broken).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_a_fraction(line in any::<String>(), n in any::<u64>(), m in any::<u64>()) {
            for preset in [Preset::Ffmpeg, Preset::Fraction, Preset::Percent, Preset::Tqdm] {
                let mut reader = self::preset(preset);
                let written = format!("{n}/{m} {n}% Duration: {n}:00:00 time={m}:59:59.9");
                for line in [line.as_str(), &written] {
                    if let Some(fraction) = reader.read(line).and_then(|reading| reading.fraction) {
                        prop_assert!((0.0..=1.0).contains(&fraction));
                    }
                }
            }
        }
    }
}
