"""Words of the two-circuit model, in English and Chinese."""

from typing import Literal

EFFICIENCY: dict[str, dict[Literal["en", "zh"], str]] = {
    "figure.two_circuits": {"en": "Two circuits compete", "zh": "两条回路的竞争"},
    "caption.two_circuits": {
        "en": "A toy model of four numbers, not a network: one circuit generalises, the other memorises, and their "
        "logits w for the right answer add up on the training inputs. On other inputs the memorising circuit votes for "
        "a wrong class. Weight decay charges the memorising circuit {price} times the norm for the same logit. Above: "
        "both losses on logarithmic axes. Below: the two logits, with the levels (dashed) at which the loss and weight "
        "decay balance. The memorising circuit grows first; its test loss is above that of guessing, {chance} nats. "
        "The other starts small and takes over long after train loss has become flat. What it shows is that a cheaper, "
        "slower circuit is enough for grokking; it does not show that a network has two circuits.",
        "zh": "这是只有四个数的玩具模型，不是网络：一条回路会泛化，另一条只会死记；在训练输入上，两者给正确答案的 "
        "logit（记作 w）相加。在其他输入上，死记的回路投票给错误的类别。同样大小的 logit，死记的回路要付出 {price} 倍"
        "的范数。上图：两种损失，均为对数坐标。下图：两个 logit，虚线是损失与权重衰减达到平衡的水平。死记的回路先长起"
        "来，此时测试损失高于随机猜测的 {chance} nat；另一条起点很小，在训练损失早已走平之后才接替了它。这说明：一条更"
        "省、更慢的回路就足以产生 grokking；但并不说明网络里真有这样两条回路。",
    },
    "two_circuits.G": {"en": "generalising circuit", "zh": "泛化回路"},
    "two_circuits.M": {"en": "memorising circuit", "zh": "记忆回路"},
    "two_circuits.balance": {"en": "balance: {G} and {M}", "zh": "平衡点：{G} 与 {M}"},
    "axis.circuit_logit": {"en": "logit w [nats]", "zh": "回路的 logit w [nat]"},
}
