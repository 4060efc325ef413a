//! A fault in a file.

use std::collections::BTreeMap;

use buttress_core::Name;
use buttress_core::chaos::{
    Answer, BodyFault, Fault, Key, Latency, Path, PlannedFault, Subset, Target, Trigger,
};
use serde::Deserialize;

use super::duration::Time;
use super::share::Share;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultTable {
    name: String,
    answer: Option<AnswerWord>,
    body: Option<BodyWord>,
    delay: Option<DelayWord>,
    rate: Option<Share>,
    target: Option<TargetTable>,
    #[serde(default)]
    trigger: TriggerWord,
}

impl FaultTable {
    pub(super) fn build(self) -> Result<PlannedFault, &'static str> {
        let fault = match (self.answer, self.body, self.delay) {
            (Some(answer), None, None) => Fault::Answer(answer.build()),
            (None, Some(body), None) => Fault::Body(body.build()),
            (None, None, Some(delay)) => Fault::Delay(delay.build()),
            _ => return Err("a fault has one of answer, body and delay"),
        };
        let mut planned = PlannedFault::new(self.name, fault).trigger(match self.trigger {
            TriggerWord::Header => Trigger::Header,
            TriggerWord::Rate => Trigger::Rate,
        });
        if let Some(Share(rate)) = self.rate {
            planned = planned.rate(rate);
        }
        if let Some(target) = self.target {
            planned = planned.target(target.build());
        }
        Ok(planned)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum TriggerWord {
    Header,
    #[default]
    Rate,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum AnswerWord {
    Abort,
    Error,
    GrpcStatus {
        code: u8,
        #[serde(default)]
        message: String,
    },
    Hang,
    Panic,
    Status(u16),
}

impl AnswerWord {
    fn build(self) -> Answer {
        match self {
            Self::Abort => Answer::Abort,
            Self::Error => Answer::Error,
            Self::GrpcStatus { code, message } => Answer::GrpcStatus {
                code,
                message: message.into(),
            },
            Self::Hang => Answer::Hang,
            Self::Panic => Answer::Panic,
            Self::Status(status) => Answer::Status(status),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum BodyWord {
    AlterTrailers { grpc_status: u8 },
    Corrupt { after: u64 },
    Drip { bytes: u32, every: Time },
    LoseTrailers,
    Reset { after: u64 },
    Stall { after: u64, lasting: Time },
    Truncate { after: u64 },
    WrongLength { excess: u32 },
}

impl BodyWord {
    fn build(self) -> BodyFault {
        match self {
            Self::AlterTrailers { grpc_status } => BodyFault::AlterTrailers { grpc_status },
            Self::Corrupt { after } => BodyFault::Corrupt { after },
            Self::Drip {
                bytes,
                every: Time(every),
            } => BodyFault::Drip { bytes, every },
            Self::LoseTrailers => BodyFault::LoseTrailers,
            Self::Reset { after } => BodyFault::Reset { after },
            Self::Stall {
                after,
                lasting: Time(lasting),
            } => BodyFault::Stall { after, lasting },
            Self::Truncate { after } => BodyFault::Truncate { after },
            Self::WrongLength { excess } => BodyFault::WrongLength { excess },
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum DelayWord {
    Fixed(Time),
    Normal { mean: Time, deviation: Time },
    Pareto { scale: Time, shape: f64 },
    Uniform { least: Time, most: Time },
}

impl DelayWord {
    fn build(self) -> Latency {
        match self {
            Self::Fixed(Time(time)) => Latency::Fixed(time),
            Self::Normal {
                mean: Time(mean),
                deviation: Time(deviation),
            } => Latency::Normal { mean, deviation },
            Self::Pareto {
                scale: Time(scale),
                shape,
            } => Latency::Pareto { scale, shape },
            Self::Uniform {
                least: Time(least),
                most: Time(most),
            } => Latency::Uniform { least, most },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetTable {
    #[serde(default)]
    methods: Vec<String>,
    path: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    subset: Option<SubsetTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubsetTable {
    /// The name of a header, or `None` for the call itself.
    header: Option<String>,
    from: Share,
    to: Share,
}

impl TargetTable {
    fn build(self) -> Target {
        let mut target = Target::default().methods(self.methods);
        if let Some(path) = self.path {
            target = target.path(match path.strip_suffix("/*") {
                Some(root) => Path::Under(root.to_owned().into()),
                None => Path::Exact(path.into()),
            });
        }
        for (name, value) in self.headers {
            // A star matches any value.
            let value = (value != "*").then(|| Name::from(value));
            target = target.header(&name, value);
        }
        match self.subset {
            Some(SubsetTable { header, from, to }) => target.subset(Subset {
                key: header.map_or(Key::Call, |name| {
                    Key::Header(name.to_ascii_lowercase().into())
                }),
                from: from.0,
                to: to.0,
            }),
            None => target,
        }
    }
}
