//! What the rules achieve, with a virtual clock and fixed seeds: prints all tables, and checks their bounds.
//!
//! `cargo test --release -p buttress-core --test simulations` prints the tables; a word after `--` selects those with
//! it in their titles. Without optimizations, the shedder runs only one short simulation of the default. The first
//! bound that does not hold ends the run.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod budget;
mod cold_start;
mod dice;
mod queue;
mod recovery;
mod service;
mod shares;
mod shed;
mod tally;
mod throttle;
mod world;

type Simulation = (&'static str, fn());

/// All simulations, in the order in which they are printed.
const ALL: [Simulation; 20] = [
    ("shed: the default, 20 workers of 50 ms", shed::default),
    ("shed: other limits in its place", shed::others),
    ("shed: other services", shed::services),
    ("shed: a cold start", cold_start::services_that_wait),
    ("shed: changes", shed::changes),
    ("shed: a brown-out", shed::brown_out),
    (
        "shed: the end of a brown-out",
        recovery::a_brown_out_is_over_in_a_second,
    ),
    ("shed: long bodies", shed::long_bodies),
    (
        "queue: 10 workers of 10 ms, 200 ms of patience",
        queue::goodput_stays_at_capacity_where_others_collapse,
    ),
    (
        "throttle: overload",
        throttle::at_ten_times_the_capacity_twice_of_it_is_sent,
    ),
    (
        "throttle: outage",
        throttle::after_an_outage_it_is_soon_back,
    ),
    (
        "throttle: failures now and then",
        throttle::what_fails_now_and_then_is_never_held_back,
    ),
    (
        "budget: an outage of 10 s",
        budget::after_an_outage_the_default_recovers,
    ),
    (
        "budget: the threshold of the floor",
        budget::the_floor_has_the_threshold_of_its_ratio,
    ),
    (
        "budget: the share of the floor",
        budget::the_share_of_the_floor,
    ),
    (
        "tenants: one sends a hundred times as much",
        shares::greedy::a_tenant_at_a_hundred_times_its_load_leaves_the_others_what_they_had,
    ),
    (
        "tenants: the same without a rule",
        shares::greedy::without_a_rule_the_others_are_crowded_out,
    ),
    (
        "shares: users beside a batch",
        shares::batch::users_beside_a_batch_at_twelve_times_the_capacity_are_served,
    ),
    (
        "shares: what users leave is lent",
        shares::batch::what_users_leave_is_lent_to_the_batch,
    ),
    (
        "shares: a batch beside a flood of users",
        shares::batch::a_flood_of_users_leaves_the_batch_its_share,
    ),
];

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    // Test runners that list tests find none here, and run all simulations by the name of the file.
    if std::env::args().any(|word| word == "--list") {
        return;
    }
    for (title, simulate) in ALL {
        if words.is_empty() || words.iter().any(|word| title.contains(word.as_str())) {
            println!("\n{title}\n");
            simulate();
        }
    }
}
