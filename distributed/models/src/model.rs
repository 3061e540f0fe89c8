//! One model, by its name.

use crate::explore::Violation;

/// What is claimed, and how it is found out.
pub(crate) struct Model {
    pub(crate) name: String,
    /// Run when somebody asks for it, and not against each mutant.
    pub(crate) is_slow: bool,
    /// What is known not to hold.
    pub(crate) fails: Option<&'static str>,
    /// The number of states, if everything that is claimed holds.
    pub(crate) explore: Box<dyn Fn() -> Result<usize, Violation>>,
}

impl Model {
    /// What is found, if it is what is expected.
    pub(crate) fn run(&self) -> Result<String, String> {
        match ((self.explore)(), self.fails) {
            (Ok(states), None) => Ok(format!("holds in {states} states")),
            (Err(Violation { claim, .. }), Some(how)) if claim == how => {
                Ok(format!("does not hold, as is known: {claim}"))
            }
            (Ok(_), Some(how)) => Err(format!("holds, but was known not to: {how}")),
            (Err(Violation { claim, steps }), _) => Err(format!("{claim}: {}", steps.join(", "))),
        }
    }
}
