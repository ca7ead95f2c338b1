//! What actions cost in joules: a price list that is read, checked and applied to counts.
//!
//! Energy = counts x prices + leakage x time x units that leak. Prices become whole yoctojoules (1e-24 J) when the
//! list is checked, so every sum is a sum of integers: sum over stages = sum over actions = total
//! to the last digit, whatever the order. Nothing is priced before the counts of a run are final.
//!
//! Time is a duration and energy is an energy; the compiler holds them apart:
//!
//! ```compile_fail,E0308
//! use topkima::base::{cost::Ledger, energy::{Bill, Corner, Leaking, Prices}, units::Joules, vocabulary::Vocabulary};
//! fn swapped<V: Vocabulary>(prices: &Prices<V>, time: Joules) -> Bill<V> {
//!     prices.bill(&Ledger::ZERO, Leaking::of(1, time), Corner::Nominal)
//! }
//! ```
//! ```
//! use topkima::base::{cost::Ledger, energy::{Bill, Corner, Leaking, Prices}, units::Picos, vocabulary::Vocabulary};
//! fn right<V: Vocabulary>(prices: &Prices<V>, time: Picos) -> Bill<V> {
//!     prices.bill(&Ledger::ZERO, Leaking::of(1, time), Corner::Nominal)
//! }
//! ```

mod bill;
mod price;
pub mod range;
pub mod scaling;
mod span;
pub mod survey;
mod table;

pub use bill::{Bill, Leaking};
pub use price::{Corner, LEAKAGE, Leakage, Price, PriceList, Prices};
pub use span::Span;
