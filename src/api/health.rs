//! Wire types of the operators' listener: `/livez`, `/readyz` and `/startupz`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// State of a node. ‖ 节点状态。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeHealth {
    /// `ok`, `degraded`, `stalled`, `failed`, `starting` or `draining`. ‖ 状态：`ok`、`degraded`、`stalled`、`failed`、`starting` 或 `draining`。
    pub status: HealthWord,
    /// State of each part; empty while the node stops. ‖ 各部分的状态，停止过程中为空。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<HealthChecks>,
}

/// State of each part of a node. ‖ 节点各部分的状态。
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct HealthChecks {
    /// The database answers. ‖ 数据库可用。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<HealthWord>,
    /// The ledger accepts entries. ‖ 存证日志可写入。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<HealthWord>,
    /// The node hears the other nodes. ‖ 能收到其他节点的通知。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<HealthWord>,
    /// The bus is connected. ‖ 消息总线已连接。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus: Option<HealthWord>,
    /// The clock agrees with the database and the newest entry. ‖ 时钟与数据库及最新记载相符。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<HealthWord>,
    /// There is enough free space. ‖ 磁盘剩余空间充足。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<HealthWord>,
}

words! {
    /// State of a node or of a part of it. ‖ 节点或其一部分的状态。
    HealthWord;
}
