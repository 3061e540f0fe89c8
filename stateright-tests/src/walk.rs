//! Random walks through a model, to learn which registers are whose.

use stateright::Model;

const WALKS: u64 = 800;
const STEPS: usize = 600;

/// What is rare is taken once in so many times that it is drawn.
const RARE: u64 = 8;

/// Takes random steps. What the walks miss, an exploration reports.
pub(crate) fn walk<M: Model>(model: &M, is_rare: impl Fn(&M::Action) -> bool) {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..WALKS {
        let mut state = model.init_states().swap_remove(0);
        for _ in 0..STEPS {
            let mut actions = Vec::new();
            model.actions(&state, &mut actions);
            if actions.is_empty() {
                break;
            }
            // George Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let choice = usize::try_from(random >> 33).expect("31 bits") % actions.len();
            let action = actions.swap_remove(choice);
            if is_rare(&action) && !(random >> 20).is_multiple_of(RARE) {
                continue;
            }
            if let Some(next) = model.next_state(&state, action) {
                state = next;
            }
        }
    }
}
