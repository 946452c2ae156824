//! The virtual machine: frames, the loop over them, and the operations of the language. It knows no syntax; where a
//! file has to be compiled it suspends and [`crate::eval`] goes on with it.

mod call;
mod captures;
mod coerce;
mod deep;
mod drive;
mod equality;
mod formals;
mod frame;
mod inequality;
mod layout;
mod leave;
mod link;
mod machine;
mod messages;
mod names;
mod observer;
mod operators;
mod order;
mod run;
mod select;
mod task;
mod unwind;

pub use call::Parameter;
pub(crate) use call::Passed;
pub(crate) use coerce::{Coerce, CoerceItems, Coercion, cannot_coerce};
pub(crate) use deep::DeepForce;
pub(crate) use drive::{Flow, or_fail};
pub(crate) use equality::Equal;
pub use frame::Load;
pub(crate) use frame::{Frame, GeneratorFrame};
pub use link::Linked;
pub use machine::{Limits, Outcome, Vm, WellKnown};
pub(crate) use messages::describe;
pub use messages::{indefinite_type, show_short};
pub use observer::{BuiltinCost, Counts, Observation, Sample};
pub(crate) use order::Less;
pub(crate) use task::{Step, Task};
pub(crate) use unwind::Catch;
