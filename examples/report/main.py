"""Reads orders (CSV) and products (JSON) and reports on them as text, CSV and JSON.

    main.py                       the text report
    main.py --format json|csv     the same figures for other programs
"""

import argparse
import csv
import io
import json
import statistics
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Product:
    code: str
    name: str
    category: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    number: int
    day: date
    customer: str
    product: Product
    quantity: int
    discount: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        gross = self.product.price * self.quantity
        return (gross * (1 - self.discount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Summary:
    orders: int = 0
    units: int = 0
    revenue: Decimal = Decimal(0)
    customers: set[str] = field(default_factory=set)

    def add(self, order: Order) -> None:
        self.orders += 1
        self.units += order.quantity
        self.revenue += order.total
        self.customers.add(order.customer)


class BadRow(ValueError):
    """A row that is no order."""


def load_products(path: Path) -> dict[str, Product]:
    raw = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    return {
        item["code"]: Product(item["code"], item["name"], group["category"], item["price"])
        for group in raw["groups"]
        for item in group["items"]
    }


def parse(row: dict[str, str], products: dict[str, Product]) -> Order:
    try:
        quantity = int(row["quantity"])
        if quantity <= 0:
            raise BadRow(f"quantity {quantity}")
        return Order(
            number=int(row["order"]),
            day=date.fromisoformat(row["date"]),
            customer=row["customer"].strip(),
            product=products[row["product"]],
            quantity=quantity,
            discount=Decimal(row["discount"].rstrip("%") or 0) / 100,
        )
    except KeyError as error:
        raise BadRow(f"unknown product {error}") from error
    except ValueError as error:
        raise BadRow(str(error)) from error


def load_orders(path: Path, products: dict[str, Product]) -> tuple[list[Order], list[str]]:
    orders, problems = [], []
    with path.open(encoding="utf-8", newline="") as file:
        for row in (reader := csv.DictReader(file, skipinitialspace=True)):
            try:
                orders.append(parse(row, products))
            except BadRow as error:
                problems.append(f"line {reader.line_num}: {error}")
    return orders, problems


def group(orders, key) -> dict[str, Summary]:
    groups: defaultdict[str, Summary] = defaultdict(Summary)
    for order in orders:
        groups[key(order)].add(order)
    return dict(sorted(groups.items()))


def weeks(orders):
    """Revenue by week (from Monday), weeks without orders included."""
    revenue = Counter()
    for order in orders:
        revenue[order.day - timedelta(days=order.day.weekday())] += order.total
    day, last = min(revenue), max(revenue)
    while day <= last:
        yield day, revenue[day]
        day += timedelta(weeks=1)


def money(amount) -> str:
    return f"{amount:,.2f}"


def table(title: str, groups: dict[str, Summary]) -> None:
    width = max(map(len, groups))
    print(f"\n{title:<{width}}  {'orders':>6}  {'units':>6}  {'revenue':>12}  {'customers':>9}")
    print("-" * (width + 41))
    for name, s in groups.items():
        print(f"{name:<{width}}  {s.orders:>6}  {s.units:>6}  {money(s.revenue):>12}  {len(s.customers):>9}")


def text_report(orders, problems) -> None:
    totals = [order.total for order in orders]
    print(f"{len(orders)} orders from {min(o.day for o in orders):%d %B %Y} to {max(o.day for o in orders):%d %B %Y}")
    print(f"revenue {money(sum(totals))}, mean {money(statistics.mean(totals))}, "
          f"median {money(statistics.median(totals))}, largest {money(max(totals))}")
    table("category", group(orders, lambda o: o.product.category))
    table("month", group(orders, lambda o: f"{o.day:%Y-%m}"))
    print("\nweeks")
    peak = max(amount for _, amount in weeks(orders))
    for day, amount in weeks(orders):
        bar = "█" * round(30 * amount / peak) or "·"
        print(f"  {day:%d %b}  {money(amount):>10}  {bar}")
    print("\nbest customers")
    spent = Counter()
    for order in orders:
        spent[order.customer] += order.total
    for rank, (customer, amount) in enumerate(spent.most_common(3), 1):
        print(f"  {rank}. {customer:<20}{money(amount):>10}")
    if problems:
        print(f"\n{len(problems)} rows left out", *problems, sep="\n  ")


class Encoder(json.JSONEncoder):
    def default(self, o):
        match o:
            case Decimal():
                return float(o)
            case set():
                return sorted(o)
            case _:
                return super().default(o)


def main() -> int:
    parser = argparse.ArgumentParser(description="Reports on orders.")
    parser.add_argument("--format", choices=["all", "text", "json", "csv"], default="all")
    options = parser.parse_args()
    products = load_products(DATA / "products.json")
    orders, problems = load_orders(DATA / "orders.csv", products)
    groups = group(orders, lambda o: o.product.name)
    if options.format in ("all", "text"):
        text_report(orders, problems)
    if options.format in ("all", "csv"):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["product", "units", "revenue"])
        writer.writerows([name, s.units, float(s.revenue)] for name, s in groups.items())
        print("\n" + out.getvalue(), end="")
    if options.format in ("all", "json"):
        print("\n" + json.dumps({n: asdict(s) for n, s in groups.items()}, cls=Encoder, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
