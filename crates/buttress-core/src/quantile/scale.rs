//! Maps latencies to steps: linearly up to 2 µs, and from there in 32 steps per doubling.

/// The number of steps.
pub(super) const STEPS: usize = 992;

/// The longest latency that is distinguished, in nanoseconds: 18 minutes. Longer ones are counted in the last step.
const LONGEST: u64 = (1 << 40) - 1;
/// The first step is 32 ns wide.
const UNIT_BITS: u32 = 5;
const STEP_BITS: u32 = 5;

/// The step of a latency in nanoseconds.
#[inline]
pub(super) fn step(latency: u64) -> usize {
    let units = latency.min(LONGEST) >> UNIT_BITS;
    // The first 64 steps are one unit wide each, the next 32 two units, the next 32 four units.
    let doublings = (units | ((2 << STEP_BITS) - 1)).ilog2() - STEP_BITS;
    ((doublings as usize) << STEP_BITS) + (units >> doublings) as usize
}

/// The longest latency of a step in nanoseconds.
pub(super) fn longest_in(step: usize) -> u64 {
    let doublings = (step >> STEP_BITS).saturating_sub(1);
    let units = (step - (doublings << STEP_BITS) + 1) << doublings;
    ((units as u64) << UNIT_BITS) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_on_each_other_without_gaps() {
        let mut next = 0;
        for step_number in 0..STEPS {
            assert_eq!(step(next), step_number);
            assert_eq!(step(longest_in(step_number)), step_number);
            next = longest_in(step_number) + 1;
        }
        assert_eq!(next - 1, LONGEST);
        assert_eq!(step(u64::MAX), STEPS - 1);
    }

    #[test]
    fn no_step_is_wider_than_a_32nd_of_what_it_counts_or_32_ns() {
        for step in 1..STEPS {
            let (least, most) = (longest_in(step - 1) + 1, longest_in(step));
            let width = most - least;
            assert!(width < 32 || width * 32 <= least, "step {step}");
        }
    }
}
