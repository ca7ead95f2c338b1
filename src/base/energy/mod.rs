//! What actions cost in joules: a price list that is read, checked and applied to counts.
//!
//! Energy = counts x prices + leakage x time. Prices become whole yoctojoules (1e-24 J) when the
//! list is checked, so every sum is a sum of integers: sum over stages = sum over actions = total
//! to the last digit, whatever the order. Nothing is priced before the counts of a run are final.
//!
//! Time is a duration and energy is an energy; the compiler holds them apart:
//!
//! ```compile_fail,E0308
//! use topkima::base::{cost::Ledger, energy::{Bill, Corner, Prices}, units::Joules};
//! fn swapped(prices: &Prices, time: Joules) -> Bill {
//!     prices.bill(&Ledger::ZERO, time, 1, Corner::Nominal)
//! }
//! ```
//! ```
//! use topkima::base::{cost::Ledger, energy::{Bill, Corner, Prices}, units::Picos};
//! fn right(prices: &Prices, time: Picos) -> Bill {
//!     prices.bill(&Ledger::ZERO, time, 1, Corner::Nominal)
//! }
//! ```

mod bill;
mod price;
mod stated;
mod table;

pub use bill::Bill;
pub use price::{Corner, Leakage, Price, PriceList, Prices};
pub use stated::{CellKind, Span, Stated};
