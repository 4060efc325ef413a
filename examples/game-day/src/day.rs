use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::time::Duration;

use buttress::BoxError;
use buttress::chaos::Injector;
use buttress::game_day::{Experiment, GameDay, Observer};
use storm::upstream::{Build, Upstream};
use storm::{gateway, net};
use tokio::time::{Instant, sleep};

use crate::report::{Finding, Report};
use crate::traffic::{self, RATE, Request};
use crate::{decisions, dependency, load};

/// A game day, with all requests planned and the faults of each.
#[derive(Debug)]
pub(crate) struct Day {
    game_day: GameDay,
    scenes: Vec<Scene>,
}

/// One experiment.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) experiment: Experiment,
    pub(crate) requests: Vec<Request>,
    /// The faults that the plan has for each request.
    pub(crate) decided: Vec<Option<String>>,
}

impl Day {
    /// Plans everything that does not depend on the run.
    pub(crate) fn plan(game_day: &GameDay) -> Self {
        let scene = |(at, experiment): (usize, &Experiment)| {
            let requests = traffic::plan(at + 1, experiment);
            let plan = experiment.plan();
            let decided = requests
                .iter()
                .map(|request| decisions::decide(plan, request));
            Scene {
                decided: decided.collect(),
                experiment: experiment.clone(),
                requests,
            }
        };
        Self {
            game_day: game_day.clone(),
            scenes: game_day
                .experiments()
                .iter()
                .enumerate()
                .map(scene)
                .collect(),
        }
    }

    /// Runs the experiments, each with its own gateway and upstream, so that no state is kept between them. Results
    /// are added to the report as soon as they are known.
    ///
    /// # Errors
    ///
    /// If no port is available, or the injector cannot be armed.
    pub(crate) async fn run(
        &self,
        injector: &Injector,
        report: &mut Report,
    ) -> Result<(), BoxError> {
        let experiments = match self.scenes.len() {
            1 => "an experiment".to_owned(),
            many => format!("{many} experiments"),
        };
        let seconds = self.lasts().as_secs_f64().ceil();
        println!("{experiments}, about {seconds} s; Ctrl-C ends it and rolls back");
        for (number, scene) in self.scenes.iter().enumerate() {
            let mut finding = scene.play(injector).await?;
            finding.judged = self.game_day.locate(number, finding.judged);
            println!("{finding}");
            report.findings.push(finding);
        }
        Ok(())
    }

    /// Returns the log of the first experiments, up to this many: a line for each decision.
    pub(crate) fn log(&self, played: usize) -> String {
        self.scenes.iter().take(played).map(Scene::log).collect()
    }

    fn lasts(&self) -> Duration {
        let experiments = self.scenes.iter().map(|scene| &scene.experiment);
        experiments.flat_map(Experiment::phases).sum()
    }

    /// Returns the maximum rate of requests per second.
    pub(crate) fn highest_rate(&self) -> u64 {
        let rates = self.scenes.iter();
        let rates = rates.map(|scene| traffic::armed_rate(&scene.experiment));
        rates.max().unwrap_or(RATE).max(RATE)
    }
}

impl Scene {
    async fn play(&self, injector: &Injector) -> Result<Finding, BoxError> {
        let seed = self.experiment.plan().seed();
        let upstream = Upstream::new(Build::for_rate(RATE), seed, Instant::now());
        let upstream = dependency::serve(upstream.router(), injector).await?;
        let gateway =
            gateway::buttress::start(upstream, &gateway::buttress::Handles::default()).await?;
        let (client, observer) = (net::client().build()?, Observer::new());
        let played = async {
            tokio::join!(
                self.experiment.run(injector, &observer),
                load::drive(&self.requests, gateway, &client, &observer),
            )
        };
        let (judged, fates) = tokio::select! {
            played = played => played,
            never = self.announce(injector) => match never {},
        };
        Ok(Finding::new(self, judged?, &fates))
    }

    /// Prints when the plan is armed.
    async fn announce(&self, injector: &Injector) -> Infallible {
        while !injector.is_armed() {
            sleep(LOOK_EACH).await;
        }
        println!("{}: armed", self.experiment.name());
        pending().await
    }

    fn log(&self) -> String {
        decisions::log(self.requests.iter().zip(&self.decided))
    }
}

const LOOK_EACH: Duration = Duration::from_millis(10);

/// The dry run: the experiments and how many requests they affect.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scene in &self.scenes {
            let armed = scene.requests.iter().zip(&scene.decided);
            let armed: Vec<_> = armed.filter(|(request, _)| request.armed).collect();
            let hit = armed.iter().filter(|(_, fault)| fault.is_some()).count();
            writeln!(
                f,
                "{}: {} requests, {} of them while the plan is armed, {hit} of these affected",
                scene.experiment.name(),
                scene.requests.len(),
                armed.len(),
            )?;
            for fault in scene.experiment.plan().faults() {
                writeln!(f, "  {fault}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
seed = 7
[[experiment]]
name = "half"
hypothesis = { failure_ratio = 0.6 }
[[experiment.fault]]
name = "down"
answer = "abort"
rate = 0.5
[[experiment]]
name = "more"
traffic = 3.0
hypothesis = { failure_ratio = 0.6 }
"#;

    #[test]
    fn a_log_has_a_line_for_each_request_and_is_reproducible() {
        let day = || Day::plan(&GameDay::from_toml(TWO).unwrap());
        let log = day().log(2);
        assert_eq!(log, day().log(2));
        assert_ne!(
            log,
            Day::plan(&GameDay::from_toml(TWO).unwrap().reseeded(8)).log(2)
        );
        let scenes = day().scenes;
        let armed = scenes.iter().flat_map(|scene| &scene.requests);
        assert_eq!(
            log.lines().count(),
            armed.filter(|request| request.armed).count()
        );
        let hit = log.lines().filter(|line| line.ends_with(" down")).count();
        // Of a thousand, within five standard deviations.
        assert!((400..600).contains(&hit), "{hit}");
        assert!(
            log.lines()
                .all(|line| !line.starts_with("2-") || line.ends_with(" -"))
        );
    }

    #[test]
    fn the_dry_run_counts_the_affected_requests() {
        let day = Day::plan(&GameDay::from_toml(TWO).unwrap());
        let text = day.to_string();
        assert!(text.contains("down: abort for 50"), "{text}");
        assert!(
            text.contains("more: ") && text.contains(", 0 of these affected"),
            "{text}"
        );
        assert_eq!(day.highest_rate(), 300);
    }
}
