//! Random walks through a model, to learn which registers are whose.

use stateright::Model;

const WALKS: u64 = 100;
const STEPS: usize = 600;

/// Takes random steps. What the walks miss, an exploration reports.
pub(crate) fn walk<M: Model>(model: &M) {
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
            if let Some(next) = model.next_state(&state, actions.swap_remove(choice)) {
                state = next;
            }
        }
    }
}
