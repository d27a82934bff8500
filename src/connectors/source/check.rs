//! `heyan connector check`: one connector, step by step, with what is wrong and what to do, in both languages.
//! A source is asked one question and a feed for one page; a sink is told nothing, for that would have an effect there.

use super::{
    config::Work,
    http::Speaker,
    set::{ConnectorSet, Part, System},
    trouble::Trouble,
};
use heyan_domain::delivery::Failure;
use heyan_ports::outward::{FieldVerdict, SaidOfClaims, SourceFault};

/// Names with values, as the command line has them.
type Pairs = [(String, String)];

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It went well.
    Fine,
    /// It did not.
    Wrong,
    /// It was not tried.
    Skipped,
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Both {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Word of the step: `names`, `connect`, `credentials`, `question`, `page`, `folder`, `target`.
    pub step: &'static str,
    /// What it came to.
    pub found: Found,
    /// What was found; no value of a record and no secret.
    pub text: Both,
    /// What to do about it; empty when it went well.
    pub remedy: Both,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The connector.
    pub name: String,
    /// Its steps, in order; it ends at the first that goes wrong.
    pub steps: Vec<Step>,
}

impl Report {
    /// Whether nothing went wrong.
    pub fn is_fine(&self) -> bool {
        self.steps.iter().all(|step| step.found != Found::Wrong)
    }
}

fn both(zh: impl Into<String>, en: impl Into<String>) -> Both {
    Both {
        zh: zh.into(),
        en: en.into(),
    }
}

impl ConnectorSet {
    /// Tries one connector; `None`: there is none of that name. `subject` is whom a source is asked about.
    /// Claims are for a source that only answers yes or no.
    pub async fn check(&self, name: &str, subject: &Pairs, claims: &Pairs) -> Option<Report> {
        let part = self.part(name)?;
        let mut steps = Steps(Vec::new());
        // What failed has said so itself.
        let _ = self.steps_of(part, (subject, claims), &mut steps).await;
        Some(Report {
            name: name.to_owned(),
            steps: steps.0,
        })
    }

    async fn steps_of(&self, part: &Part, (subject, claims): (&Pairs, &Pairs), steps: &mut Steps) -> Result<(), Ended> {
        match &part.system {
            System::Http(source) => {
                steps.reach(source.speaker()).await?;
                if source.verifies() {
                    return steps.verdict(source.verify(subject, claims).await);
                }
                steps.answer(
                    source
                        .ask(subject)
                        .await
                        .map(|record| record.map(|found| found.fields.len())),
                )
            }
            System::Sql(table) => {
                steps.end("credentials", table.open().map(drop).map_err(Trouble::Fault), || {
                    both("已读取数据库地址", "the URL of the database is read")
                })?;
                steps.answer(
                    table
                        .ask(subject)
                        .await
                        .map(|record| record.map(|found| found.fields.len())),
                )
            }
            System::Poll(feed) => {
                steps.reach(feed.speaker()).await?;
                steps.batch("page", feed.poll(None).await)
            }
            System::File(watched) => {
                let feed = steps.end("folder", watched.open().map_err(Trouble::Fault), || {
                    both("文件夹可用", "the folder can be used")
                })?;
                steps.batch("page", feed.poll(None).await.map_err(Trouble::Fault))
            }
            System::Sink(sink) => {
                steps.reach(sink.speaker()).await?;
                steps.skip("question", told_nothing());
                Ok(())
            }
            System::Webhook(webhook) => {
                steps.end(
                    "credentials",
                    webhook.target().map(drop).map_err(Trouble::Fault),
                    || both("已读取签名密钥", "the secret is read"),
                )?;
                steps.skip("question", told_nothing());
                Ok(())
            }
        }
    }

    /// The dataset of a connector, for who makes up a subject.
    pub fn dataset_of(&self, name: &str) -> Option<&str> {
        match &self.part(name)?.connector.work {
            Work::HttpSource { dataset, .. } | Work::SqlSource { dataset, .. } => Some(dataset),
            _ => None,
        }
    }
}

fn told_nothing() -> Both {
    both("检查不会向推送目标发送数据", "a check tells a sink nothing")
}

/// A step went wrong: the rest is not tried.
struct Ended;

struct Steps(Vec<Step>);

impl Steps {
    fn end<T>(
        &mut self,
        step: &'static str,
        result: Result<T, Trouble>,
        text: impl FnOnce() -> Both,
    ) -> Result<T, Ended> {
        let (found, text, remedy) = match &result {
            Ok(_) => (Found::Fine, text(), Both::default()),
            Err(trouble) => {
                let (text, remedy) = explain(trouble);
                (Found::Wrong, text, remedy)
            }
        };
        self.0.push(Step {
            step,
            found,
            text,
            remedy,
        });
        result.map_err(|_| Ended)
    }

    fn skip(&mut self, step: &'static str, text: Both) {
        self.0.push(Step {
            step,
            found: Found::Skipped,
            text,
            remedy: Both::default(),
        });
    }

    /// Names, connection and credentials of what speaks HTTP.
    async fn reach(&mut self, speaker: &Speaker) -> Result<(), Ended> {
        let exchange = &speaker.exchange;
        let addresses = exchange.addresses(&speaker.request.sample_url()).await;
        let count = addresses.as_ref().map_or(0, Vec::len);
        let addresses = self.end("names", addresses, || {
            both(
                format!("解析到 {count} 个地址，均在允许范围内"),
                format!("{count} addresses, all admitted"),
            )
        })?;
        self.end("connect", exchange.connect(&addresses).await, || {
            both("可以连接", "it can be connected to")
        })?;
        self.end("credentials", exchange.try_credentials().await, || {
            both("凭据可用", "the credentials are there")
        })
    }

    fn answer(&mut self, answer: Result<Option<usize>, Trouble>) -> Result<(), Ended> {
        let text = match &answer {
            Ok(Some(fields)) => both(
                format!("返回了记录，读出 {fields} 个字段"),
                format!("it answered with a record, {fields} fields read"),
            ),
            _ => both("答复：库中无此号", "it answered: not found"),
        };
        self.end("question", answer, || text).map(drop)
    }

    fn verdict(&mut self, said: Result<SaidOfClaims, Trouble>) -> Result<(), Ended> {
        let fields = said.as_ref().map(|said| said.fields.clone()).unwrap_or_default();
        if said.is_ok() && fields.is_empty() {
            let text = both(
                "该接口只返回是否一致：用 --claim 给出其核验的各项申报值后再提问",
                "it only answers yes or no: nothing is asked without a --claim for each field that it verifies",
            );
            self.skip("question", text);
            return Ok(());
        }
        let agree = fields
            .values()
            .filter(|verdict| **verdict == FieldVerdict::Match)
            .count();
        let text = match &said {
            Ok(said) if said.found => both(
                format!("答复了 {} 项，其中 {agree} 项一致", fields.len()),
                format!("it answered about {} claims, {agree} of them agree", fields.len()),
            ),
            _ => both("答复：库中无此号", "it answered: not found"),
        };
        self.end("question", said, || text).map(drop)
    }

    fn batch(
        &mut self,
        step: &'static str,
        batch: Result<heyan_ports::outward::FeedBatch, Trouble>,
    ) -> Result<(), Ended> {
        let (rows, rejected) = batch.as_ref().map_or((0, 0), |batch| {
            let rejected = batch.records.iter().filter(|row| row.is_err()).count();
            (batch.records.len(), rejected)
        });
        self.end(step, batch, || {
            both(
                format!("读到 {rows} 行，其中 {rejected} 行不能成为记录"),
                format!("{rows} rows, {rejected} of them are no records"),
            )
        })
        .map(drop)
    }
}

/// What a trouble means, and what to do about it.
fn explain(trouble: &Trouble) -> (Both, Both) {
    match trouble {
        Trouble::Status { status, .. } => (
            both(
                format!("对方返回 HTTP 状态码 {status}"),
                format!("it answered with HTTP status {status}"),
            ),
            both(
                "核对 request.url、request.method 与对方接口文档；5xx 请联系对方",
                "compare request.url and request.method with their documents; for 5xx ask them",
            ),
        ),
        Trouble::Code { .. } => (
            both(
                "业务码不是成功，也不是库中无此号",
                "the business code is neither success nor not found",
            ),
            both(
                "核对 answer.code_pointer、success、not_found 与对方的错误码表，以及请求参数",
                "compare answer.code_pointer, success and not_found with their table of codes, and the parameters sent",
            ),
        ),
        Trouble::Connect(Failure::Tls) => (
            both("TLS 证书或握手失败", "the TLS certificate or handshake failed"),
            both(
                "用 targets.roots_file 指定对方的根证书",
                "give their certificate authority in targets.roots_file",
            ),
        ),
        Trouble::Garbage(what) | Trouble::Odd(what) => (
            both(
                format!("答复无法读取：{what}"),
                format!("the answer cannot be read: {what}"),
            ),
            both(
                "核对 answer 中的指针、代码表、编码和 content_types",
                "compare the pointers, code maps, encoding and content_types of [answer] with a real answer",
            ),
        ),
        Trouble::Unmade(what) => (
            both(
                format!("请求无法生成：{what}"),
                format!("the request cannot be made: {what}"),
            ),
            both(
                "检查 *_file 指向的文件（权限 0400）和模板所用的字段",
                "look at the files that *_file keys name (mode 0400) and at what the templates use",
            ),
        ),
        other => explain_fault(&other.source()),
    }
}

fn explain_fault(fault: &SourceFault) -> (Both, Both) {
    let english = fault.to_string();
    let (zh, remedy) = match fault {
        SourceFault::Open => ("暂停访问中（熔断）", both("稍后再试", "try again later")),
        SourceFault::Busy => (
            "等待的请求过多",
            both(
                "稍后再试，或调大 limits.waiting_requests_max",
                "try later, or raise limits.waiting_requests_max",
            ),
        ),
        SourceFault::Timeout => (
            "未在限定时间内答复",
            both(
                "检查网络，或调大 limits.total_timeout_ms",
                "look at the network, or raise limits.total_timeout_ms",
            ),
        ),
        SourceFault::Connect => (
            "无法解析或连接",
            both(
                "检查主机名、端口、防火墙和路由",
                "look at the host name, the port, firewalls and routes",
            ),
        ),
        SourceFault::Target(_) => (
            "地址不在允许范围内",
            both(
                "在 [targets] 的 hosts、networks、ports 中列出",
                "list it in hosts, networks and ports of [targets]",
            ),
        ),
        SourceFault::Auth => (
            "对方拒绝了凭据",
            both(
                "检查 [auth] 与密钥文件，确认授权仍有效",
                "look at [auth] and its files, and whether the grant still holds",
            ),
        ),
        SourceFault::Answer => (
            "对方返回错误",
            both("查看对方日志或联系对方", "look at their logs, or ask them"),
        ),
        SourceFault::Unreadable(_) => (
            "答复无法读取",
            both(
                "核对字段映射和代码表",
                "compare the field and code maps with a real answer",
            ),
        ),
        SourceFault::Setup(_) => (
            "连接器的文件或文件夹不可用",
            both(
                "检查 *_file 指向的文件（权限 0400）和文件夹",
                "look at the files that *_file keys name (mode 0400) and at the folder",
            ),
        ),
        SourceFault::Unknown => ("没有该连接器", both("检查名称", "look at its name")),
    };
    (both(format!("{zh}（{english}）"), english), remedy)
}
