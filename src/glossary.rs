//! Words and what they mean here, in the order in which a signal meets them.
//!
//! The field does not agree on all of them; where it differs, this page says which meaning is taken. *Noise* is drawn,
//! a *deviation* or a *loss* is fixed, an *error* of a score or an output is what both come to.
//!
//! # The array
//!
//! | word | here |
//! | --- | --- |
//! | wordline | a row of a tile: it carries the input, pulses as long as the code of a query's number |
//! | bitline | a column of a tile: it carries the sum. Of a key tile it is one key. Some papers turn the two round |
//! | tile | one physical array with its drivers and converters; K is cut into tiles of [`bitlines`](crate::hardware::crossbar::CrossbarParams::bitlines), V into tiles of wordlines |
//! | cell | one device with its access: [`Cell`](crate::hardware::device::Cell). A dual SRAM cell holds -1, 0 or 1, a conductance one of 2^bits levels |
//! | level | what a write can aim at, relative to the largest |
//! | mapping | how a signed weight is made of what has no sign: a pair of cells, or an offset that a reference column takes away: [`Mapping`](crate::hardware::device::Mapping) |
//! | digit, place | a weight is spread over cells; each holds a digit, and its place is what the digit counts |
//! | line | each column has two, one for positive products, one for negative ones: [`Line`](crate::hardware::device::Line) |
//! | unit charge | what the lowest digit of a weight takes from a line in one unit pulse; sums of Q K^T are counted in it |
//! | swing, headroom | how far a line can fall from its precharge; what is left below it |
//! | mismatch | differs from cell to cell and stays as long as the chip |
//! | programming | differs from write to write: [`ProgrammingParams`](crate::hardware::device::ProgrammingParams) |
//! | read noise | differs from read to read: [`ReadParams`](crate::hardware::device::ReadParams) |
//! | drift | moves a level with the time since its write: [`DriftParams`](crate::hardware::device::DriftParams) |
//! | effect | one of these by its name, to be left out or studied alone: [`Effect`](crate::hardware::device::Effect) |
//!
//! # The converter and the selection
//!
//! | word | here |
//! | --- | --- |
//! | ramp, in-memory ADC | all columns of a tile are compared with a falling ramp that their own replica cells make: [`Ramp`](crate::hardware::converter::Ramp) |
//! | step, trip | one value of the ramp; the step at which a column's comparator turns, which is its code |
//! | full scale | the score at which the ramp starts; what lies above is clipped and reads the first code |
//! | LSB | one step of a converter, the unit of its noise and offset |
//! | early stop | the ramp of a tile halts at the step in which its last place is taken |
//! | arbiter | grants columns that trip in one step, lowest address first: [`Arbiter`](crate::hardware::timing::Arbiter) |
//! | k, places | keys that a query keeps; how many of them a tile may give: [`Topk`](crate::hardware::topk::Topk) |
//! | sub-top-k | the largest of one tile, as many as it has places |
//! | merge | what tiles give becomes what the query keeps |
//! | plain ADC | the converter behind A x V: [`AdcParams`](crate::hardware::converter::AdcParams) |
//!
//! # One head
//!
//! | word | here |
//! | --- | --- |
//! | token | a key's position; a query is a row of Q |
//! | live | not hidden by a mask or by causality |
//! | datapath, design | one of the ways a head is computed: [`Datapath`](crate::hardware::attention::Datapath); a datapath with its own keys and a name in an experiment |
//! | scale-free | 1/sqrt(d) is folded into what is stored, so that nothing divides at run time |
//! | softmax macro | the table of exponentials, their sum, and the codes of A: [`SoftmaxParams`](crate::hardware::softmax::SoftmaxParams) |
//! | calibration rows | rows that set scales and full scales, and are never measured |
//! | recall | share of the true top-k that was kept |
//! | alpha | steps that were executed over steps of a full ramp |
//!
//! # Cost
//!
//! | word | here |
//! | --- | --- |
//! | action | what is counted and has a price: [`Action`](crate::hardware::events::Action) |
//! | stage | where in a head it happens and time passes: [`Stage`](crate::hardware::events::Stage) |
//! | trace | what a query did, from which its counts and times follow: [`QueryTrace`](crate::hardware::events::QueryTrace) |
//! | price list | an energy an action with its range and source: [`PriceList`](crate::base::energy::PriceList) |
//! | makespan | from the first write to the last output |
//! | interval | time between results in the long run |
//! | corner | every price at its low or its high end: [`Corner`](crate::base::energy::Corner) |
//!
//! # An experiment
//!
//! | word | here |
//! | --- | --- |
//! | chip | one fabrication with its mismatch: [`Chip`](crate::hardware::crossbar::Chip) |
//! | trial | one chip with its writes and reads |
//! | point | one setting of what is swept |
//! | case | a design at a point: [`Case`](crate::shell::config::Case) |
//! | work | what a case computes: heads of numbers, sizes alone, or an encoder: [`Work`](crate::shell::config::Work) |
//! | reference design | the one that others are compared with |
//! | float | the exact computation that a result is measured against |
