//! The locks without slots as models want them: with what each attempt has in hand in a register of
//! its participant.

/// Declares `$hands`, of a queue and of the attempts at it where this is expanded (a mutant's copy
/// of the file has types of its own), and how what they have in hand is kept in a register.
macro_rules! hands {
    ($hands:ident: $queue:ty, $hand:ident, $ordered:expr, $kept:path, $resumed:path) => {
        pub(crate) struct $hands {
            queue: $queue,
            kept: Box<[$crate::atomic::Register64]>,
        }

        impl $hands {
            pub(crate) fn new(participants: usize) -> Self {
                let kept = (0..participants).map(|_| $crate::atomic::Register64::new(0)).collect();
                Self { queue: <$queue>::new(), kept }
            }

            fn hand(&self, me: $crate::algorithm::Slot) -> $hand<'_> {
                $resumed(&self.queue, self.kept[me.index()].load($crate::atomic::Relaxed))
            }

            /// Does a move with what is in hand, and keeps what is then.
            fn with<R>(
                &self,
                me: $crate::algorithm::Slot,
                the_move: impl FnOnce(&$hand<'_>) -> R,
            ) -> R {
                let hand = self.hand(me);
                let before = $kept(&hand);
                let result = the_move(&hand);
                if $kept(&hand) != before {
                    self.kept[me.index()].store($kept(&hand), $crate::atomic::Relaxed);
                }
                result
            }

            /// What is kept when it is no good any more makes many states of one.
            fn forget(&self, me: $crate::algorithm::Slot) {
                self.kept[me.index()].store(0, $crate::atomic::Relaxed);
            }
        }

        // SAFETY: what is in hand is one, and each participant has its own.
        unsafe impl $crate::algorithm::Algorithm for $hands {
            const FIRST_COME_FIRST_SERVED: bool = $ordered;
            const HANDS_ON_LAST: bool = true;

            fn capacity(&self) -> usize {
                self.kept.len()
            }

            fn enter(
                &self,
                me: $crate::algorithm::Slot,
                intent: $crate::algorithm::Intent,
                wake: &impl $crate::algorithm::Wake,
            ) -> Result<(), $crate::algorithm::DoorwayClosed> {
                self.with(me, |hand| hand.enter(me, intent, wake))
            }

            fn poll(
                &self,
                me: $crate::algorithm::Slot,
                wake: &impl $crate::algorithm::Wake,
            ) -> $crate::algorithm::Turn {
                self.with(me, |hand| hand.poll(me, wake))
            }

            fn is_blocked(
                &self,
                me: $crate::algorithm::Slot,
                by: $crate::algorithm::Blocked,
            ) -> bool {
                self.hand(me).is_blocked(me, by)
            }

            fn standing(&self, of: $crate::algorithm::Slot) -> $crate::algorithm::Standing {
                self.hand(of).standing(of)
            }

            fn leave(&self, me: $crate::algorithm::Slot, wake: &impl $crate::algorithm::Wake) {
                self.hand(me).leave(me, wake);
                self.forget(me);
            }

            fn withdraw(
                &self,
                me: $crate::algorithm::Slot,
                wake: &impl $crate::algorithm::Wake,
            ) -> $crate::algorithm::Withdrawal {
                let outcome = self.with(me, |hand| hand.withdraw(me, wake));
                if outcome == $crate::algorithm::Withdrawal::Done {
                    self.forget(me);
                }
                outcome
            }

            fn try_enter(
                &self,
                me: $crate::algorithm::Slot,
                wake: &impl $crate::algorithm::Wake,
            ) -> bool {
                self.hand(me).try_enter(me, wake)
            }
        }

        // SAFETY: as of what is in hand.
        unsafe impl $crate::algorithm::Withdraw for $hands {}

        /// Nobody dies in its models: threads do not.
        impl $crate::algorithm::Recover for $hands {}
    };
}

/// [`hands`] of the `BypassQueue` and `BypassInHand` where this is expanded.
macro_rules! bypass_hands {
    ($hands:ident, $hand:ident, $bound:literal) => {
        type $hand<'a> = BypassInHand<'a, $bound>;

        impl $hands {
            fn kept(hand: &$hand<'_>) -> u64 {
                match hand.place() {
                    BypassPlace::Gone => 0,
                    BypassPlace::InLine(ticket) => 2 * ticket + 1,
                    BypassPlace::Head(ticket) => 2 * ticket + 2,
                }
            }

            fn resumed(queue: &BypassQueue<$bound>, kept: u64) -> $hand<'_> {
                let place = match (kept, kept % 2) {
                    (0, _) => BypassPlace::Gone,
                    (_, 1) => BypassPlace::InLine(kept / 2),
                    _ => BypassPlace::Head(kept / 2 - 1),
                };
                BypassInHand::at(queue, place)
            }
        }

        $crate::hands::hands! {
            $hands: BypassQueue<$bound>, $hand, false, Self::kept, Self::resumed
        }
    };
}

pub(crate) use {bypass_hands, hands};
