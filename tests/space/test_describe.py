from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.mobilenet import mobilenet


def test_a_table_names_decisions_options_and_conditions():
    kernel = choice(3, 5)
    space = Space(
        b.repeat(b.conv(choice(8, 16)), choice(1, 2, 3)),
        b.optional(b.conv(8, kernel=kernel)),
        b.optional(b.separable(8, kernel=kernel)),
        b.classifier(),
        name="mine",
    )
    assert space.describe().split("\n") == [
        "mine: 98 architectures, 7 decisions",
        "decision             options              only with",
        "stage1.times         1, 2, 3",
        "stage1.block1.out    8, 16",
        "stage1.block2.out    8, 16                stage1.times=2|3",
        "stage1.block3.out    8, 16                stage1.times=3",
        "choice1              conv, identity",
        "choice2              separable, identity",
        "choice1.conv.kernel  3, 5                 choice1=conv or choice2=separable",
    ]


def test_shapes_and_huge_counts_are_told():
    small, published = mobilenet().describe(), mobilenet("published").describe()
    assert small.startswith("mobilenet: 1,326,025,728 architectures, 31 decisions; [3, 32, 32] to 10")
    assert published.startswith("mobilenet-published: 6.72e+26 architectures, 78")
