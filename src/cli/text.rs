//! Every text that the client commands say to a person, in English and Chinese, in one table.
//! `{0}`, `{1}` … are filled in order; a text never has a place for a value that came from a row of a file.

use clap::ValueEnum;

/// A language of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// 简体中文.
    Zh,
}

impl Lang {
    /// The language asked for, or the one of the session: the first of `LC_ALL`, `LC_MESSAGES`, `LANG` that is set.
    pub(crate) fn choose(asked: Option<Self>) -> Self {
        let session = || {
            ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        };
        asked.unwrap_or_else(|| session().map_or(Self::En, |locale| Self::of_locale(&locale)))
    }

    fn of_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// For the hub, so that problems come in the same language (RFC 9110 §12.5.4).
    pub(crate) fn accept_language(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// The text of `key` with `parts` in their places.
    pub(crate) fn say(self, key: Key, parts: &[&str]) -> String {
        let (en, zh) = key.both();
        let mut text = match self {
            Self::En => en,
            Self::Zh => zh,
        }
        .to_owned();
        for (place, part) in parts.iter().enumerate() {
            text = text.replace(&format!("{{{place}}}"), part);
        }
        text
    }
}

macro_rules! texts {
    ($($key:ident: $en:literal, $zh:literal;)*) => {
        /// One text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key {
            $(#[doc = $en] $key,)*
        }

        impl Key {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$key,)*];

            /// English, Chinese.
            fn both(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$key => ($en, $zh),)*
                }
            }
        }
    };
}

texts! {
    BadUrl: "the address of the hub is not a plain http:// or https:// address without user and password: {0}", "核验中心地址应为不含用户名和密码的 http:// 或 https:// 地址:{0}";
    PlainHttp: "warning: the token goes to {0} over plain HTTP", "警告:令牌将以明文 HTTP 发往 {0}";
    NoToken: "no token: give --token-file, HEYAN_TOKEN, or --client with --secret-file", "没有令牌:请用 --token-file、HEYAN_TOKEN,或 --client 加 --secret-file";
    BadToken: "the token is empty or holds characters that a token cannot have", "令牌为空或含有令牌中不可能出现的字符";
    CannotRead: "cannot read {0}: {1}", "无法读取 {0}:{1}";
    CannotWrite: "cannot write {0}: {1}", "无法写入 {0}:{1}";
    BadCertificate: "{0} holds no PEM certificate that can be used", "{0} 中没有可用的 PEM 证书";
    NoClient: "cannot set up the HTTP client: {0}", "无法建立 HTTP 客户端:{0}";
    Unreachable: "cannot reach the hub at {0}: {1}", "无法连接核验中心 {0}:{1}";
    TooSlow: "the hub said nothing for {0} s (--timeout-s)", "核验中心 {0} 秒内没有回应(--timeout-s)";
    CutOff: "the connection broke before the last line of the answer", "连接在应答最后一行之前中断";
    OddAnswer: "the answer of the hub is not what was expected: {0}", "核验中心的应答不符合约定:{0}";
    Redirected: "the hub's address answers with a redirect; give the address it leads to", "该地址要求跳转,请直接填写跳转后的地址";
    HttpStatus: "HTTP status {0}", "HTTP 状态码 {0}";
    Page: "what to do: {0}", "处理办法:{0}";
    Trace: "trace: {0}", "跟踪号:{0}";
    NoEncoding: "the bytes of {0} are neither UTF-8 nor GB18030 throughout; say which with --encoding", "{0} 的内容既非完整的 UTF-8 也非 GB18030,请用 --encoding 指明";
    JsonArray: "{0} is one JSON array; give NDJSON, one object a line", "{0} 是一个 JSON 数组;请改用 NDJSON,每行一个对象";
    NoHeader: "{0} has no header row", "{0} 没有表头行";
    TwiceColumn: "two columns of {0} have the name of column {1}", "{0} 中有两列与第 {1} 列同名";
    OddColumn: "the header of column {0} of {1} names nothing that {2} has; it has: {3} (--ignore-unknown passes over such columns)", "{1} 第 {0} 列的表头不属于 {2};可用的列:{3}(--ignore-unknown 可略过此类列)";
    NoSubjectColumn: "{0} has no column {1}, which names the subject in {2}", "{0} 缺少 {2} 的核验对象列 {1}";
    NeedsDataset: "{0} is CSV: give --dataset, or a column dataset", "{0} 为 CSV:请给出 --dataset 或设置 dataset 列";
    OddShape: "the catalogue entry of {0} names no subject", "数据资源 {0} 的目录没有核验对象";
    RowTooLong: "the row is longer than {0} bytes", "该行超过 {0} 字节";
    RowUndecodable: "the row holds bytes that are not valid in the file's encoding, or U+FFFD where a character was lost", "该行含有与文件编码不符的字节,或含表示丢字的 U+FFFD";
    RowColumns: "the row has {0} columns, the header {1}", "该行有 {0} 列,表头有 {1} 列";
    RowVersion: "source_version is not a whole number from 0 to 9007199254740991", "source_version 不是 0 至 9007199254740991 的整数";
    RowDataset: "the row names no dataset that the hub has", "该行没有指明核验中心已有的数据资源";
    RowColumn: "column {0} is filled but is nothing that the row's dataset has", "第 {0} 列有值,但该行的数据资源没有此项";
    RowQuote: "a quotation mark opened here is not closed within {0} bytes; nothing after it was read", "此处的引号在 {0} 字节内没有闭合,其后内容均未读取";
    RowUnanswered: "the hub did not answer for this row", "核验中心没有就该行作答";
    Rows: "rows", "行";
    Rejected: "rejected", "退回";
    Problems: "problems", "出错";
    RejectedIn: "rejected rows, with the reason, are in {0}", "退回的行及原因见 {0}";
    ImportStopped: "import stopped. Rows up to line {0} are decided; run the same command again: what is in already is answered unchanged or ignored", "导入中止。截至第 {0} 行均已处理;可重新执行同一命令,已入库的行会答复 unchanged 或 ignored";
    VerifyStopped: "stopped after the answer to line {0}; --from-line {1} goes on from there", "在答复第 {0} 行之后中止;可用 --from-line {1} 继续";
    Retrying: "try {0}: {1}; again in {2} ms", "第 {0} 次:{1};{2} 毫秒后重试";
    SecretOnce: "The secret is shown this once and cannot be shown again: keep it now.", "密钥仅显示这一次,之后无法再查看,请立即保存。";
    SecretIn: "the secret is in {0}, readable by you alone", "密钥已写入 {0},仅本人可读";
    PreviousUntil: "the previous secret is good until {0}", "旧密钥在 {0} 之前仍然有效";
    Disabled: "disabled: {0}", "已停用:{0}";
    Enabled: "enabled: {0}", "已启用:{0}";
    Revoked: "revoked: {0}", "已撤销:{0}";
    Nothing: "none", "无";
    Outcome: "outcome", "结论";
    Count: "count", "数量";
    Share: "share", "占比";
    Verified: "verified", "核验一致";
    Mismatched: "mismatched", "不一致";
    Review: "review", "待人工核对";
    Incomplete: "incomplete", "未能全部核验";
    NotFound: "not found", "库中无此号";
    Created: "created", "新增";
    Updated: "updated", "更新";
    Unchanged: "unchanged", "未变";
    Ignored: "ignored", "忽略";
    Took: "{0} rows in {1} s, {2} rows/s", "{0} 行,用时 {1} 秒,每秒 {2} 行";
    Receipt: "receipt: {0} #{1}", "核验回执:{0} #{1}";
    AnswersIn: "answers are in {0}", "答复已写入 {0}";
    AnswersDropped: "answers were counted and not kept; -o OUT keeps them", "答复仅计数未保存;可用 -o OUT 保存";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<usize> {
        (0..9).filter(|place| text.contains(&format!("{{{place}}}"))).collect()
    }

    #[test]
    fn both_languages_have_the_same_places() {
        for key in Key::ALL {
            let (en, zh) = key.both();
            assert_eq!(places(en), places(zh), "{key:?}");
            assert!(!en.is_empty() && !zh.is_empty());
        }
    }

    #[test]
    fn the_locale_of_the_session_chooses() {
        assert_eq!(Lang::of_locale("zh_CN.UTF-8"), Lang::Zh);
        assert_eq!(Lang::of_locale("C.UTF-8"), Lang::En);
        assert_eq!(Lang::En.say(Key::CannotRead, &["a", "b"]), "cannot read a: b");
    }
}
