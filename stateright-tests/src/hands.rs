//! The ticket lock without slots as models want it: with its tickets in registers, one for each
//! participant.

/// Declares `Hands<N>`, of the `TicketQueue` and `TicketInHand` where this is expanded: a mutant's
/// copy of the file has types of its own.
macro_rules! hands {
    () => {
        pub(crate) struct Hands<const N: usize> {
            queue: TicketQueue,
            tickets: [$crate::atomic::Register64; N],
        }

        impl<const N: usize> Hands<N> {
            pub(crate) fn new() -> Self {
                let tickets = std::array::from_fn(|_| $crate::atomic::Register64::new(0));
                Self { queue: TicketQueue::new(), tickets }
            }

            fn hand(&self, me: $crate::algorithm::Slot) -> TicketInHand<'_> {
                let ticket = self.tickets[me.index()].load($crate::atomic::Relaxed);
                TicketInHand::holding(&self.queue, ticket)
            }

            /// A ticket that is kept when it is no good any more makes many states of one.
            fn forget(&self, me: $crate::algorithm::Slot) {
                self.tickets[me.index()].store(0, $crate::atomic::Relaxed);
            }
        }

        // SAFETY: `TicketInHand` is one, and each participant has a ticket of its own.
        unsafe impl<const N: usize> $crate::algorithm::Algorithm for Hands<N> {
            const FIRST_COME_FIRST_SERVED: bool = true;
            const HANDS_ON_LAST: bool = true;

            fn capacity(&self) -> usize {
                N
            }

            fn enter(
                &self,
                me: $crate::algorithm::Slot,
                intent: $crate::algorithm::Intent,
                wake: &impl $crate::algorithm::Wake,
            ) -> Result<(), $crate::algorithm::DoorwayClosed> {
                let hand = TicketInHand::new(&self.queue);
                hand.enter(me, intent, wake)?;
                self.tickets[me.index()].store(hand.ticket(), $crate::atomic::Relaxed);
                Ok(())
            }

            fn poll(
                &self,
                me: $crate::algorithm::Slot,
                wake: &impl $crate::algorithm::Wake,
            ) -> $crate::algorithm::Turn {
                self.hand(me).poll(me, wake)
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
                let outcome = self.hand(me).withdraw(me, wake);
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

        impl<const N: usize> $crate::algorithm::Withdraw for Hands<N> {}

        /// Nobody dies in its models: threads do not.
        impl<const N: usize> $crate::algorithm::Recover for Hands<N> {}
    };
}

pub(crate) use hands;
