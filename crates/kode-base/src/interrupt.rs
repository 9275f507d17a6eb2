//! A flag that ends a step or a run from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Shared by the signal handler, the turn loop, the provider and the sandbox.
/// Waiting code polls it at least every 50 ms.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// A flag nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// The user pressed Ctrl-C once more: first the step ends, then the run.
    /// Returns how often it has been raised since the last [`Self::clear_step`].
    pub fn raise(&self) -> u8 {
        let update = |count: u8| Some(count.saturating_add(1));
        let before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, update);
        before.unwrap_or(u8::MAX).saturating_add(1)
    }

    /// Whether the current step should end now.
    pub fn step_ended(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 1
    }

    /// Whether the whole run should end now.
    pub fn run_ended(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 2
    }

    /// Forgets a single interrupt once its step has ended; an ended run stays
    /// ended.
    pub fn clear_step(&self) {
        let _ = self.0.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_ends_the_step_twice_the_run() {
        let interrupt = Interrupt::new();
        interrupt.raise();
        assert!(interrupt.step_ended() && !interrupt.run_ended());
        interrupt.clear_step();
        assert!(!interrupt.step_ended());
        interrupt.raise();
        interrupt.raise();
        interrupt.clear_step();
        assert!(interrupt.run_ended());
    }
}
