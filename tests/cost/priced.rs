//! A key that changes accuracy and not its price is told, and a price for its value silences it.

use crate::setup::*;
use topkima::base::energy::Corner;
use topkima::base::notice::Weight;
use topkima::hardware::events::Action;

pub const LEFT: &str = "prices do not follow this key";

/// Keys and values that leave their prices, with the prices named.
fn left(name: &str, set: &[(&str, &str)]) -> Vec<String> {
    let plan = load(name, set);
    let warnings = plan.notices.of(Weight::Warning);
    let left = warnings.into_iter().filter(|text| text.contains(LEFT));
    left.map(str::to_owned).collect()
}

/// The paper's head with the shipped prices is what they were made for; each key alone leaves some of them.
#[test]
fn every_key_that_leaves_a_price_is_named_with_its_value_and_what_the_price_is_for() {
    for device in [
        "sram-65nm",
        "rram-wan2022",
        "pcm-joshi2020",
        "sonos",
        "fefet",
        "template",
    ] {
        let name = format!("{device:?}");
        assert_eq!(
            left("macro", &[("device.name", &name)]),
            [""; 0],
            "{device}"
        );
    }
    for (key, value, prices) in [
        (
            "av.tiles.adc.uniform.bits",
            "12",
            "adc-conversion 1.79 pJ and 14300 ps is for bits = 8",
        ),
        ("av.tiles.adc.uniform.bits", "6", "adc-conversion"),
        (
            "av.tiles.columns_per_adc",
            "1",
            "leakage 3.3 uW is for columns_per_adc = 8",
        ),
        (
            "av.tiles.wordlines",
            "128",
            "leakage 3.3 uW is for wordlines = 256",
        ),
        (
            "crossbar.wordlines",
            "512",
            "leakage 3.3 uW is for wordlines = 256",
        ),
        (
            "crossbar.bitlines",
            "128",
            "counter-step 169 fJ is for bitlines = 256, leakage 3.3 uW is for bitlines = 256, arbiter-grant",
        ),
        (
            "ramp.bits",
            "6",
            "counter-step 169 fJ is for bits = 5, sort-compare 130 fJ is for bits = 5",
        ),
        (
            "ramp.bits",
            "9",
            "code-compare 10.5 fJ is for bits = 1 to 8",
        ),
        ("topk.k", "8", "sort-compare 130 fJ is for k = 5"),
        (
            "softmax.table.entries.width",
            "8",
            "lut-write 1.07 pJ is for width = 16, exp-lookup 700 fJ is for width = 16",
        ),
        (
            "softmax.table.entries.width",
            "24",
            "accumulate 560 fJ is for width = 1 to 16",
        ),
        (
            "softmax.table.entries.bits",
            "10",
            "exp-lookup 700 fJ is for bits = 1 to 8",
        ),
        (
            "softmax.reciprocal.bits",
            "8",
            "reciprocal 5.6 pJ is for bits = 16, multiply 2.3 pJ is for bits = 16",
        ),
        (
            "softmax.weights.row-max.max_code",
            "255",
            "mac-charge 0.352 fJ is for code = 31",
        ),
        (
            "quantise.q.uniform.max_code",
            "15",
            "mac-charge 0.352 fJ is for code = 31",
        ),
        // 127 levels in three binary slices take pulses of up to 508 units.
        (
            "quantise.q.uniform.max_code",
            "127",
            "input-code 37.5 fJ is for units = 1 to 255",
        ),
        (
            "timing.softmax_lanes",
            "8",
            "lut-write 1.07 pJ is for lanes = 1",
        ),
    ] {
        let found = left("macro", &[(key, value)]);
        let told = format!("{key} = {value}: ");
        let about = found
            .iter()
            .find(|text| text.starts_with(&told) && text.contains(prices));
        assert!(about.is_some(), "{key} = {value}: {found:?}");
        assert!(
            found.iter().all(|text| text.starts_with(&told)),
            "{key}: {found:?}"
        );
    }
    // K of 31 takes five binary digits, and the same Q pulses of up to 496 units.
    let wide = [
        ("quantise.k.uniform.max_code", "31"),
        ("crossbar.wordlines", "512"),
    ];
    let found = left("macro", &wide);
    let told = |key: &str| {
        found
            .iter()
            .any(|text| text.starts_with(key) && text.contains("input-code"))
    };
    assert!(told("quantise.k.uniform.max_code = 31: "), "{found:?}");
    assert!(!told("quantise.q"), "{found:?}");
    // A unit charge and a swing of other volts take other charges from the supply.
    for (key, value, size) in [
        ("line.unit_discharge", "300 uV", "unit_discharge = 200 uV"),
        ("line.precharge", "700 mV", "precharge = 800 mV to 1 V"),
    ] {
        let set = format!("{value:?}");
        let found = left("macro", &[(&format!("device.with.{key}"), &set)]);
        assert_eq!(found.len(), 1, "{found:?}");
        let told = format!(
            "{key} = {value}: prices do not follow this key (mac-charge 0.352 fJ is for {size}, calibration-charge 0.176 fJ is for {size}, ramp-charge 0.0055 fJ is for {size})"
        );
        assert!(found[0].starts_with(&told), "{found:?}");
    }
    // An exact part has no size that a price could be for.
    for (key, price) in [
        ("av.tiles.adc", "adc-conversion"),
        ("softmax.table", "exp-lookup"),
        ("softmax.reciprocal", "reciprocal"),
        ("softmax.weights", "mac-charge"),
        ("quantise.q", "mac-charge"),
    ] {
        let found = left("macro", &[(key, "{ exact = {} }")]);
        let told = format!("{key} = exact: ");
        assert!(
            found
                .iter()
                .all(|text| text.contains("no price can be for an exact part")),
            "{found:?}"
        );
        assert!(
            found
                .iter()
                .any(|text| text.starts_with(&told) && text.contains(price)),
            "{key}: {found:?}"
        );
    }
}

/// A read at 10 000 times the conductance, or over pulses of twice the width, costs the same; with `for` it is priced.
#[test]
fn a_conductance_is_read_at_the_price_of_its_own_window_and_pulse() {
    let rram = ("device.name", "\"rram-wan2022\"");
    for (set, key) in [
        (
            ("device.with.cell.resistive.g_max", "\"400 mS\""),
            "cell.resistive.g_max = 400 mS: ",
        ),
        (
            ("device.with.cell.resistive.g_min", "\"8 uS\""),
            "cell.resistive.g_min = 8 uS: ",
        ),
        (
            ("quantise.q.uniform.max_code", "63"),
            "quantise.q.uniform.max_code = 63 (pulses of up to 31500 ps): ",
        ),
        (
            ("device.with.timing.pulse_unit", "\"1 ns\""),
            "quantise.q.uniform.max_code = 31 (pulses of up to 31 ns): ",
        ),
        (
            ("device.with.timing.av_pulse_unit", "\"1 ns\""),
            "softmax.weights.row-max.max_code = 31 (pulses of up to 31 ns): ",
        ),
    ] {
        let found = left("macro", &[rram, set]);
        let about = found.iter().find(|text| text.starts_with(key));
        assert!(
            about.is_some_and(|text| text.contains("cell-read 23 fJ is for")),
            "{key}: {found:?}"
        );
    }
    let own = [
        rram,
        ("device.with.cell.resistive.g_max", "\"80 uS\""),
        ("device.with.energy.cell-read.energy", "\"46 fJ\""),
        ("device.with.energy.cell-read.for.g_max", "\"80 uS\""),
    ];
    assert_eq!(left("macro", &own), [""; 0]);
}

/// A price list of one's own states its own sizes, one or a range: warned where it is left, silent where not.
#[test]
fn a_price_of_ones_own_moves_the_warning() {
    let bits = |of, stated| {
        let set = [
            ("av.tiles.adc.uniform.bits", of),
            ("device.with.energy.adc-conversion.energy", "\"5 pJ\""),
            ("device.with.energy.adc-conversion.for.bits", stated),
        ];
        left("macro", &set).len()
    };
    assert_eq!(["8", "12"].map(|of| bits(of, "12")), [1, 0]);
    assert_eq!(
        ["9", "10", "12", "13"].map(|of| bits(of, "[10, 12]")),
        [1, 0, 0, 1]
    );
}

/// One line for all values of a sweep, and none for a price that no design pays.
#[test]
fn a_sweep_is_told_once_and_only_of_prices_that_are_paid() {
    let found = left(
        "k_sweep",
        &[("trials", "1"), ("workload.file.heads", "[0]")],
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("topk.k = 1, 2, 3, 8, 10, 20: "),
        "{found:?}"
    );
    let unsorted = [
        ("trials", "1"),
        ("workload.file.heads", "[0]"),
        ("design", "[{ name = \"t\", datapath = { topkima = {} } }]"),
        ("reference", "\"t\""),
    ];
    assert_eq!(left("k_sweep", &unsorted), [""; 0]);
}

/// Ideal is not free: the text tells the price list's own number.
#[test]
fn an_ideal_a_x_v_tells_what_a_product_costs() {
    let told = |more: &[(&str, &str)]| {
        let ideal = [("av", "{ ideal = {} }")];
        let mut plan = load("macro", &[&ideal, more].concat());
        let warnings = plan.notices.of(Weight::Warning);
        let text = warnings
            .iter()
            .find(|text| text.starts_with("av.ideal"))
            .unwrap();
        let text = (*text).to_owned();
        let prices = plan.case(0, 0).unwrap().attention.device.prices.clone();
        let both = [Action::Multiply, Action::Accumulate]
            .map(|action| prices.price(action, Corner::Nominal).si());
        (text, both[0] + both[1])
    };
    let (text, joules) = told(&[]);
    assert!(
        text.contains("costs 2.86 pJ (multiply 2.3 pJ, accumulate 560 fJ)"),
        "{text}"
    );
    assert!((joules - 2.86e-12).abs() < 1e-24);
    let dear = [
        ("device.with.energy.multiply.energy", "\"7 pJ\""),
        ("device.with.energy.multiply.high", "\"9 pJ\""),
    ];
    assert!(told(&dear).0.contains("costs 7.56 pJ"), "{}", told(&dear).0);
}

#[cfg(feature = "cli")]
/// Tiles by hand: n / 256 for K and V each, 32 places over them in proportion, one sorter a driven tile, and so many
/// lanes a softmax.
/// By hand: K is written along the 64 dimensions of a head, V along the 256 rows of its fuller tile (the other 128
/// tokens lie in a tile that is written beside it), and no design computes meanwhile. A conductance that kept the 5 ns
/// of SRAM for V would look twice as fast against the conventional design as it is.
/// Without codes there is one cell a number, which costs less than the four of 15 codes.
#[test]
fn an_operand_without_codes_says_what_it_costs() {
    let exact = |key: &str, device: &str| {
        let key = format!("{key}.exact");
        let plan = load("macro", &[("device.name", device), (&key, "{}")]);
        let warnings = plan.notices.of(Weight::Warning);
        let own = warnings
            .iter()
            .filter(|text| text.contains("priced and timed as one cell"));
        own.count()
    };
    assert_eq!(exact("quantise.v", "\"sram-65nm\""), 1);
    assert_eq!(exact("quantise.k", "\"ideal\""), 1);
    assert_eq!(exact("quantise.q", "\"ideal\""), 0);
}
