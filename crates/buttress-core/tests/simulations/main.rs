//! What the rules achieve, with a virtual clock and fixed seeds: prints all tables, and checks their bounds.
//!
//! `cargo test --release -p buttress-core --test simulations` prints the tables; a word after `--` selects those with
//! it in their titles, and `--markdown` prints `docs/evidence.md`. Without optimizations, long simulations are left out.
//! The first bound that does not hold ends the run.

#![allow(
    clippy::disallowed_methods,
    reason = "a simulation needs some moment to begin at"
)]

mod budget;
mod circuit;
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

struct Simulation {
    title: &'static str,
    /// What is simulated, and the source of what it is compared with, where the title does not tell.
    about: &'static str,
    run: fn(),
}

/// All simulations, in the order in which they are printed.
const ALL: [Simulation; 32] = [
    Simulation {
        title: "circuit: up and down",
        about: "A dependency is up and down for the same time, at 100 calls a second. A breaker that is \
                still open when the dependency is up again loses calls. Peers: the documented defaults of \
                Resilience4j, Polly 8, gobreaker, Linkerd, Envoy's outlier detection, failsafe-rs and \
                tower-resilience.",
        run: circuit::up_and_down,
    },
    Simulation {
        title: "circuit: a fleet after an outage",
        about: "A thousand clients with one call a second each, after an outage of 300 s.",
        run: circuit::a_fleet_after_an_outage,
    },
    Simulation {
        title: "circuit: false openings",
        about: "A dependency that fails independently, below the threshold of 50 %. Ours tests the sums \
                since each bucket (Page, \"Continuous inspection schemes\", Biometrika 1954), with Wald's \
                bound on the error.",
        run: circuit::false_openings,
    },
    Simulation {
        title: "circuit: detection",
        about: "The time until a breaker opens, once a dependency that was well fails a share of its calls. \
                With one false opening a day at 3 calls a second and 30 %, no rule detects 60 % sooner than \
                after 65 calls, 22 s (Lorden, \"Procedures for reacting to a change in distribution\", \
                1971).",
        run: circuit::detection,
    },
    Simulation {
        title: "circuit: a hasty caller",
        about: "One caller allows 50 ms for a route that takes 500 ms, and makes nine of ten calls. A \
                breaker that takes its timeouts for failures of the dependency rejects the calls of the \
                others.",
        run: circuit::a_hasty_caller,
    },
    Simulation {
        title: "circuit: thin traffic",
        about: "The time until a breaker opens where calls are few and all fail.",
        run: circuit::thin_traffic,
    },
    Simulation {
        title: "circuit: a failing third tier",
        about: "A client calls B, and B calls C, each through breakers, with retries within a budget of 10 \
                %. C fails 40 % of its calls for a minute.",
        run: circuit::a_failing_third_tier,
    },
    Simulation {
        title: "circuit: a stopped second tier",
        about: "The same three tiers; B stops for 20 s.",
        run: circuit::a_stopped_second_tier,
    },
    Simulation {
        title: "circuit: never worse than none",
        about: "The same three tiers, for every share of failures of C. Below the threshold of 50 % the \
                breaker serves what no breaker serves. Above it, it rejects calls of which some would have \
                succeeded: independent failures are the case in which no breaker is best.",
        run: circuit::never_worse_than_none,
    },
    Simulation {
        title: "shed: the default, 20 workers of 50 ms",
        about: "",
        run: shed::default,
    },
    Simulation {
        title: "shed: other limits in its place",
        about: "",
        run: shed::others,
    },
    Simulation {
        title: "shed: other services",
        about: "",
        run: shed::services,
    },
    Simulation {
        title: "shed: a cold start",
        about: "",
        run: cold_start::services_that_wait,
    },
    Simulation {
        title: "shed: changes",
        about: "",
        run: shed::changes,
    },
    Simulation {
        title: "shed: a brown-out",
        about: "",
        run: shed::brown_out,
    },
    Simulation {
        title: "shed: the end of a brown-out",
        about: "",
        run: recovery::a_brown_out_is_over_in_a_second,
    },
    Simulation {
        title: "shed: long bodies",
        about: "",
        run: shed::long_bodies,
    },
    Simulation {
        title: "queue: 10 workers of 10 ms, 200 ms of patience",
        about: "",
        run: queue::goodput_stays_at_capacity_where_others_collapse,
    },
    Simulation {
        title: "throttle: overload",
        about: "",
        run: throttle::at_ten_times_the_capacity_twice_of_it_is_sent,
    },
    Simulation {
        title: "throttle: outage",
        about: "",
        run: throttle::after_an_outage_it_is_soon_back,
    },
    Simulation {
        title: "throttle: failures now and then",
        about: "",
        run: throttle::what_fails_now_and_then_is_never_held_back,
    },
    Simulation {
        title: "throttle: fleets at ten times the capacity",
        about: "Fleets of 1 to 10 000 clients of one dependency; a rejection costs it a tenth of a call. \
                Peers: the adaptive throttle of *Site Reliability Engineering*, chapter 21, and Envoy's \
                admission control.",
        run: throttle::fleet::fleets_at_ten_times_the_capacity_leave_it_to_work,
    },
    Simulation {
        title: "throttle: few calls that fail now and then",
        about: "A client below the floor, and a dependency that fails less than a third of its calls: none \
                may be rejected.",
        run: throttle::fleet::few_calls_that_fail_now_and_then_are_never_held_back,
    },
    Simulation {
        title: "throttle: few calls and an outage",
        about: "A client below the floor after an outage.",
        run: throttle::fleet::a_client_with_few_calls_is_back_after_an_outage,
    },
    Simulation {
        title: "budget: an outage of 10 s",
        about: "",
        run: budget::after_an_outage_the_default_recovers,
    },
    Simulation {
        title: "budget: the threshold of the floor",
        about: "",
        run: budget::the_floor_has_the_threshold_of_its_ratio,
    },
    Simulation {
        title: "budget: the share of the floor",
        about: "",
        run: budget::the_share_of_the_floor,
    },
    Simulation {
        title: "tenants: one sends a hundred times as much",
        about: "",
        run: shares::greedy::a_tenant_at_a_hundred_times_its_load_leaves_the_others_what_they_had,
    },
    Simulation {
        title: "tenants: the same without a rule",
        about: "",
        run: shares::greedy::without_a_rule_the_others_are_crowded_out,
    },
    Simulation {
        title: "shares: users beside a batch",
        about: "",
        run: shares::batch::users_beside_a_batch_at_twelve_times_the_capacity_are_served,
    },
    Simulation {
        title: "shares: what users leave is lent",
        about: "",
        run: shares::batch::what_users_leave_is_lent_to_the_batch,
    },
    Simulation {
        title: "shares: a batch beside a flood of users",
        about: "",
        run: shares::batch::a_flood_of_users_leaves_the_batch_its_share,
    },
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
    let selected =
        |title: &str| words.is_empty() || words.iter().any(|word| title.contains(word.as_str()));
    let markdown = std::env::args().any(|word| word == "--markdown");
    if markdown {
        println!("{HEAD}");
    }
    for simulation in ALL.iter().filter(|one| selected(one.title)) {
        if markdown {
            println!(
                "\n## {}\n\n{}\n\n```text",
                simulation.title, simulation.about
            );
        } else {
            println!("\n{}\n", simulation.title);
        }
        (simulation.run)();
        if markdown {
            println!("```");
        }
    }
}

/// The head of `docs/evidence.md`.
const HEAD: &str = "\
# What the rules achieve

Simulations on a virtual clock, with fixed seeds on which nothing was tuned, beside models of other rules and of no rule.
This page is what a command wrote; the bounds in the tests are asserted:

```sh
cargo test --release -p buttress-core --test simulations -- --markdown > docs/evidence.md
```";
