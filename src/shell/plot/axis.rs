//! Where a value lies along an axis, and which values are written beside it.

use super::Scale;

/// A coordinate further from zero than this is left out like an infinite one, so that sums and
/// differences of two stay finite.
const FAR: f64 = 1e300;

/// Differences below this share of the values are rounding, not data.
const SAME: f64 = 1e-9;

/// On a linear axis, values that are all nearer to zero than this are shown as zero: their steps
/// could not be divided by a power of ten.
const NAUGHT: f64 = 1e-280;

/// The stretch of values an axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    low: f64,
    high: f64,
    scale: Scale,
}

/// A value to be written, with its text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// Whether a coordinate can be shown at all.
pub(super) fn drawable(value: f64, scale: Scale) -> bool {
    match scale {
        Scale::Linear => value.abs() < FAR,
        Scale::Log => value > 1.0 / FAR && value < FAR,
    }
}

impl Span {
    /// A span with some air around the drawable ones of `values`; none if there are none.
    /// `from_zero` lets a linear span begin at zero when the values come near it anyway.
    pub(super) fn over(
        values: impl Iterator<Item = f64>,
        scale: Scale,
        from_zero: bool,
    ) -> Option<Self> {
        let (low, high) = values
            .filter(|&value| drawable(value, scale))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        if low > high {
            return None;
        }
        let (low, high) = match scale {
            Scale::Log => {
                let air = ((high.log10() - low.log10()) * 0.05).max(0.05);
                let (begin, end) = (low * 10_f64.powf(-air), high * 10_f64.powf(air));
                // Air around the farthest values must not carry a bound to zero or infinity.
                (begin.max(1e-3 / FAR), end.min(1e3 * FAR))
            }
            Scale::Linear => {
                let size = high.abs().max(low.abs());
                if size < NAUGHT {
                    (-1.0, 1.0)
                } else if high - low <= SAME * size {
                    (low - 0.1 * size, high + 0.1 * size)
                } else {
                    let air = 0.06 * (high - low);
                    let begin = if from_zero && low >= 0.0 && low <= 0.35 * high {
                        0.0
                    } else {
                        low - air
                    };
                    (begin, high + air)
                }
            }
        };
        Some(Self { low, high, scale })
    }

    /// Where a drawable value lies: 0 at the low end, 1 at the high end, never outside.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log if value <= self.low => 0.0,
            Scale::Log => {
                let from = self.low.log10();
                (value.log10() - from) / (self.high.log10() - from)
            }
        };
        share.clamp(0.0, 1.0)
    }

    /// Round values inside the span, as many as fit into `most` (at least 2).
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.even(most.max(2)),
            Scale::Log => self.decades(most.max(2)),
        }
    }

    /// Values of a log span that get a line but no text: 2 to 9 times a power of ten.
    pub(super) fn minor(&self) -> Vec<f64> {
        if self.scale == Scale::Linear || self.high / self.low > 2e4 {
            return Vec::new();
        }
        self.powers(&[2, 3, 4, 5, 6, 7, 8, 9])
            .into_iter()
            .map(|(digit, power)| scaled(digit, power))
            .collect()
    }

    fn holds(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// Steps of 1, 2 or 5 times a power of ten.
    fn even(&self, most: usize) -> Vec<Tick> {
        let rough = (self.high - self.low) / most as f64;
        let power = rough.log10().floor() as i32;
        for (digit, power) in [
            (1, power),
            (2, power),
            (5, power),
            (1, power + 1),
            (2, power + 1),
            (5, power + 1),
        ] {
            let step = scaled(digit, power);
            let first = (self.low / step).ceil() as i64;
            let last = (self.high / step).floor() as i64;
            let values: Vec<f64> = (first..=last)
                .map(|times| scaled(times * digit, power))
                .filter(|&value| self.holds(value))
                .collect();
            if values.len() <= most {
                return labelled(&values, power);
            }
        }
        Vec::new()
    }

    /// The richest of: 1, 2 and 5 times each power of ten, each power, every second one and so on.
    fn decades(&self, most: usize) -> Vec<Tick> {
        let fine = self.powers(&[1, 2, 5]);
        if fine.len() < 3 {
            return self.even(most);
        }
        if fine.len() <= most {
            return power_labels(&fine);
        }
        let whole = self.powers(&[1]);
        let every = whole.len().div_ceil(most).max(1);
        let kept: Vec<(i64, i32)> = whole
            .into_iter()
            .filter(|(_, power)| power.rem_euclid(every as i32) == 0)
            .collect();
        if kept.len() < 2 {
            return self.even(most);
        }
        power_labels(&kept)
    }

    /// All (digit, power) whose `digit * 10^power` lies in the span, rising.
    fn powers(&self, digits: &[i64]) -> Vec<(i64, i32)> {
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| digits.iter().map(move |&digit| (digit, power)))
            .filter(|&(digit, power)| self.holds(scaled(digit, power)))
            .collect()
    }
}

/// Most values that are written themselves, and most letters of each.
const MOST_OWN: (usize, usize) = (9, 6);

/// The values themselves, rising, where they are few and short: what was swept is what a reader looks for.
pub(super) fn own(values: impl Iterator<Item = f64>) -> Option<Vec<Tick>> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let tick = |value: f64| Tick {
        value,
        label: value.to_string().replace('-', "−"),
    };
    let (count, letters) = MOST_OWN;
    let ticks: Vec<Tick> = values.iter().copied().take(count + 1).map(tick).collect();
    let short = ticks
        .iter()
        .all(|tick| tick.label.chars().count() <= letters);
    ((1..=count).contains(&values.len()) && short).then_some(ticks)
}

/// `digits * 10^power`, correctly rounded where a power of ten is exact.
fn scaled(digits: i64, power: i32) -> f64 {
    if power < 0 {
        digits as f64 / 10_f64.powi(-power)
    } else {
        digits as f64 * 10_f64.powi(power)
    }
}

/// Evenly spaced values with as many digits as their step needs.
fn labelled(values: &[f64], step_power: i32) -> Vec<Tick> {
    let largest = values
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    let scientific = largest >= 1e5 || step_power < -4;
    let power = if scientific && largest > 0.0 {
        largest.log10().floor() as i32
    } else {
        0
    };
    let decimals = usize::try_from(power - step_power).unwrap_or(0);
    values
        .iter()
        .map(|&value| {
            let digits = format!("{:.decimals$}", value.abs() / scaled(1, power));
            let sign = if value < 0.0 { "−" } else { "" };
            let label = match (value == 0.0, scientific) {
                (true, _) => "0".to_owned(),
                (false, true) => format!("{sign}{digits}×10{}", raised(power)),
                (false, false) => format!("{sign}{digits}"),
            };
            Tick { value, label }
        })
        .collect()
}

fn power_labels(ticks: &[(i64, i32)]) -> Vec<Tick> {
    let plain = ticks.iter().all(|&(_, power)| (-3..5).contains(&power));
    ticks
        .iter()
        .map(|&(digit, power)| {
            let value = scaled(digit, power);
            let decimals = usize::try_from(-power).unwrap_or(0);
            let label = match (plain, digit) {
                (true, _) => format!("{value:.decimals$}"),
                (false, 1) => format!("10{}", raised(power)),
                (false, _) => format!("{digit}×10{}", raised(power)),
            };
            Tick { value, label }
        })
        .collect()
}

/// An exponent in raised digits.
fn raised(power: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    power
        .to_string()
        .chars()
        .map(|mark| {
            mark.to_digit(10)
                .map_or('⁻', |digit| DIGITS[digit as usize])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(values: &[f64], scale: Scale, most: usize) -> Vec<String> {
        let span = Span::over(values.iter().copied(), scale, true).unwrap();
        span.ticks(most).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn labels_are_what_a_person_would_write() {
        let linear = |values: &[f64]| labels(values, Scale::Linear, 6);
        assert_eq!(
            linear(&[0.0, 1.0]),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(linear(&[-3.0, 3.0]), ["−2", "0", "2"]);
        assert_eq!(
            linear(&[96.1, 97.3]),
            ["96.2", "96.4", "96.6", "96.8", "97.0", "97.2"]
        );
        assert_eq!(
            linear(&[2e6]),
            ["1.8×10⁶", "1.9×10⁶", "2.0×10⁶", "2.1×10⁶", "2.2×10⁶"]
        );
        let log = |values: &[f64], most| labels(values, Scale::Log, most);
        assert_eq!(log(&[1.0, 64.0], 7), ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(log(&[1e-9, 1e-3], 7).len(), 7);
        assert_eq!(log(&[1e-9, 1e-3], 7)[0], "10⁻⁹");
        assert_eq!(
            log(&[1e-12, 1e12], 6),
            ["10⁻¹⁰", "10⁻⁵", "10⁰", "10⁵", "10¹⁰"]
        );
    }

    #[test]
    fn few_short_values_are_written_themselves() {
        let labels = |values: &[f64]| -> Option<Vec<String>> {
            let ticks = own(values.iter().copied())?;
            Some(ticks.into_iter().map(|tick| tick.label).collect())
        };
        assert_eq!(labels(&[256.0, 128.0, 256.0]).unwrap(), ["128", "256"]);
        assert_eq!(labels(&[0.0, -0.07, 1.4]).unwrap(), ["−0.07", "0", "1.4"]);
        assert_eq!(labels(&[5.0]).unwrap(), ["5"]);
        assert_eq!(labels(&[0.123_456_7, 1.0]), None);
        let many: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(labels(&many), None);
    }

    #[test]
    fn one_value_stands_in_the_middle_of_its_span() {
        for (value, scale) in [
            (0.0, Scale::Linear),
            (-7.0, Scale::Linear),
            (3.0, Scale::Log),
        ] {
            let span = Span::over([value].into_iter(), scale, false).unwrap();
            assert!((span.place(value) - 0.5).abs() < 1e-9, "{value}");
            assert!(!span.ticks(5).is_empty());
        }
    }

    #[test]
    fn what_can_not_be_drawn_does_not_widen_a_span() {
        let odd = [f64::NAN, f64::INFINITY, -1e305, 1.0, 2.0];
        let span = Span::over(odd.into_iter(), Scale::Linear, false);
        assert_eq!(
            span,
            Span::over([1.0, 2.0].into_iter(), Scale::Linear, false)
        );
        let log = Span::over([-1.0, 0.0, 3.0].into_iter(), Scale::Log, false);
        assert_eq!(log, Span::over([3.0].into_iter(), Scale::Log, false));
        assert_eq!(Span::over([f64::NAN].into_iter(), Scale::Log, false), None);
    }

    proptest! {
        #[test]
        fn ticks_are_few_rising_and_inside_for_any_values(
            values in prop::collection::vec(prop::num::f64::ANY, 1..5),
            log in any::<bool>(),
            most in 2_usize..9,
        ) {
            let scale = if log { Scale::Log } else { Scale::Linear };
            if let Some(span) = Span::over(values.iter().copied(), scale, true) {
                let ticks = span.ticks(most);
                prop_assert!(ticks.len() <= most.max(2));
                prop_assert!(ticks.iter().all(|t| span.holds(t.value)));
                prop_assert!(ticks.windows(2).all(|t| t[0].value < t[1].value));
                prop_assert!(values
                    .iter()
                    .filter(|v| drawable(**v, scale))
                    .all(|&v| (0.0..=1.0).contains(&span.place(v))));
                span.minor();
            }
        }

        #[test]
        fn ticks_are_round_and_at_least_two(
            low in -1e3_f64..1e3,
            wide in 0.1_f64..1e6,
            most in 4_usize..9,
        ) {
            let span = Span::over([low, low + wide].into_iter(), Scale::Linear, true).unwrap();
            let ticks = span.ticks(most);
            prop_assert!(ticks.len() >= 2, "{:?}", ticks);
            let step = ticks[1].value - ticks[0].value;
            let digit = step / 10_f64.powf((step * 1.000_001).log10().floor());
            prop_assert!([1.0, 2.0, 5.0].iter().any(|d| (digit - d).abs() < 1e-3), "{}", step);
            for tick in &ticks {
                let times = tick.value / step;
                prop_assert!((times - times.round()).abs() < 1e-3);
            }
        }

        #[test]
        fn a_log_axis_has_decades_or_even_steps(low in 1e-12_f64..1e12, ratio in 1.0_f64..1e12) {
            let span = Span::over([low, low * ratio].into_iter(), Scale::Log, true).unwrap();
            prop_assert!(span.ticks(7).len() >= 2);
        }
    }
}
