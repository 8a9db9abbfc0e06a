"""The critical-difference diagram of Demsar 2006 (JMLR 7, figure 1) as SVG."""

from html import escape

from nasturtium.run.bench.results import Ranking
from nasturtium.run.bench.significance import alike

WIDTH, ROW, BAR = 680.0, 24.0, 9.0
AXIS = 58.0  # from the top
LETTER = 8.0  # width of a letter of a name, about
LONGEST = 22  # letters of a name that are shown
LEAST = 175.0  # room beside the scale, for the words "critical difference"


def rank_diagram(ranking: Ranking) -> str:
    """Returns a scale of mean ranks, 1 at the left, with a name for each method and bars over those alike.

    Methods under one bar differ by less than the critical difference, which is drawn to scale above.
    """
    bars = alike(ranking.ranks, ranking.difference)
    scale = _Scale(ranking)
    below = AXIS + 12 + BAR * len(bars)
    left = (len(ranking.methods) + 1) // 2
    height = below + ROW * left + 8
    parts = [*_axis(scale), *_critical(scale, ranking.difference)]
    parts += [_alike(scale, ranking, first, last, i) for i, (first, last) in enumerate(bars)]
    for i, method in enumerate(ranking.methods):
        row = i if i < left else len(ranking.methods) - 1 - i
        parts += _name(scale, method, ranking.ranks[i], below + ROW * (row + 0.6), to_left=i < left)
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" font-size="14">'
        f"<title>{escape(_described(ranking))}</title>{''.join(parts)}</svg>"
    )


class _Scale:
    """Where a rank lies."""

    def __init__(self, ranking: Ranking) -> None:
        letters = max(min(len(name), LONGEST) for name in ranking.methods)
        self.margin = min(max(letters * LETTER + 64, LEAST), WIDTH / 2 - 80)
        self.last = len(ranking.methods)
        self.unit = (WIDTH - 2 * self.margin) / max(self.last - 1, 1)

    def __call__(self, rank: float) -> float:
        return self.margin + (rank - 1) * self.unit


def _axis(scale: _Scale) -> list[str]:
    parts = [f'<path d="M{scale(1):.1f} {AXIS}H{scale(scale.last):.1f}" stroke-width="1.5"/>']
    for rank in range(1, scale.last + 1):
        x = scale(rank)
        parts.append(f'<path d="M{x:.1f} {AXIS}v-6" stroke-width="1.5"/>')
        parts.append(f'<text class="quiet" x="{x:.1f}" y="{AXIS - 11}" text-anchor="middle">{rank}</text>')
    return parts


def _critical(scale: _Scale, difference: float) -> list[str]:
    start, end = scale(1), min(scale(1) + difference * scale.unit, WIDTH - 6)
    return [
        f'<path d="M{start:.1f} 13v8m0 -4H{end:.1f}m0 -4v8" stroke-width="1.5"/>',
        f'<text class="quiet" x="{start - 8:.1f}" y="22" text-anchor="end" font-size="13">'
        f"critical difference {difference:.2f}</text>",
    ]


def _alike(scale: _Scale, ranking: Ranking, first: int, last: int, row: int) -> str:
    y = AXIS + 9 + BAR * row
    start, end = scale(ranking.ranks[first]) - 4, scale(ranking.ranks[last]) + 4
    return f'<path class="alike" d="M{start:.1f} {y:.1f}H{end:.1f}" stroke-width="4"/>'


def _name(scale: _Scale, method: str, rank: float, y: float, *, to_left: bool) -> list[str]:
    edge = scale.margin - 14 if to_left else WIDTH - scale.margin + 14
    shown = method if len(method) <= LONGEST else method[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    label = f"{escape(shown)} <tspan class='quiet' font-size='12'>{rank:.2f}</tspan>"
    anchor, x = ("end", edge - 6) if to_left else ("start", edge + 6)
    return [
        f'<path class="leader" d="M{scale(rank):.1f} {AXIS}V{y:.1f}H{edge:.1f}"/>',
        f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="{anchor}">{label}</text>',
    ]


def _described(ranking: Ranking) -> str:
    pairs = zip(ranking.methods, ranking.ranks, strict=True)
    ranks = ", ".join(f"{method} {rank:.2f}" for method, rank in pairs)
    return f"Mean ranks: {ranks}; critical difference {ranking.difference:.2f}"
