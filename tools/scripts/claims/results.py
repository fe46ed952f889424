"""The results of a measurement as the claims ask for them."""

from tools.scripts.claims import figures
from tools.scripts.common import maps

# From here on what an operation costs at any length weighs no more.
FIT_FROM = 64
LONG = 1000

# The order of maps in every table.
MAPS = tuple(one.name for one in maps.known())
LAYOUTS = ("packed", "scattered")


class Results:
    """Read access to what measure.py collected."""

    def __init__(self, raw):
        self.raw = raw
        self.facts = raw["facts"]
        self.sizes = raw["sizes"]

    # ---- Times and instructions ----

    def lengths(self):
        return sorted(int(n) for n in self.raw["steps"]["traverse"]["legacy"])

    def samples(self, case, of_map, layout="", n=0):
        return self.raw["times"][case][of_map][layout][str(n)]

    def time(self, case, of_map, layout="", n=0):
        return figures.spread(self.samples(case, of_map, layout, n))

    def time_ratio(self, case, over, under, layout="", n=0):
        return figures.ratio(self.samples(case, over, layout, n),
                             self.samples(case, under, layout, n))

    def steps(self, case, of_map, n=0):
        return self.raw["steps"][case][of_map][str(n)]

    def steps_ratio(self, case, over, under, n=0):
        return self.steps(case, over, n) / self.steps(case, under, n)

    def time_exponent(self, case, of_map, layout):
        return figures.exponent([(n, self.time(case, of_map, layout, n).median)
                                 for n in self.lengths() if n >= FIT_FROM])

    def steps_exponent(self, case, of_map):
        return figures.exponent([(n, self.steps(case, of_map, n))
                                 for n in self.lengths() if n >= FIT_FROM])

    def fit(self, case, of_map, layout):
        """The curve that Google Benchmark finds; None where it was not asked."""
        return self.raw["fits"].get(f"{case}/{of_map}/{layout}")

    # ---- Memory ----

    def memory(self, of_map):
        return self.facts["maps"][of_map]["memory"]

    def idle_guest(self, of_map, fill):
        return next(row for row in self.memory(of_map)["idle_guest"] if row["fill"] == fill)

    def fills(self, of_map, n):
        """(fill, bytes per mapping) of frames that are mapped n times each."""
        return [(row["fill"], row["bytes"] / row["mappings"])
                for row in self.memory(of_map)["fill"] if row["n"] == n]

    def break_even(self, of_map, n):
        """The measured fill from which a map takes no more than the legacy one; 0: never."""
        return next(row["fill"] for row in self.facts["break_even"]
                    if row["map"] == of_map and row["n"] == n)

    # ---- Allocation ----

    def taken(self, of_map):
        return self.facts["maps"][of_map]["lock"]["taken"]

    def objects_taken(self, of_map):
        return sum(row["objects"] for row in self.taken(of_map))

    def peaks(self, of_map):
        """workload -> most objects of the map's own at once, and their bytes."""
        return self.facts["maps"][of_map]["lock"]["peaks"]

    def first_failing_burst(self, of_map):
        """How many stores of one instruction end in a BUG, and after how many; None: none does."""
        for row in self.facts["maps"][of_map]["lock"]["store_bursts"]:
            if row["bug"]:
                return row
        return None

    # ---- Size ----

    def lines(self, of_map):
        return self.sizes[of_map]["lines"]

    def functions(self, of_map):
        return self.sizes[of_map]["functions"]

    def complexity(self, of_map):
        return sum(function["complexity"] for function in self.functions(of_map))

    def most_complex(self, of_map):
        return max(self.functions(of_map), key=lambda function: function["complexity"])


def predicted_break_even(n):
    """The same fill by arithmetic: a page of links against a descriptor for each four entries.

    4096 bytes for `fill` entries, 40 * ceil(n / 4) for n; one entry needs no descriptor.
    """
    if n == 1:
        return None
    descriptors = -(-n // 4)
    return 4096 * n / (40 * descriptors)
