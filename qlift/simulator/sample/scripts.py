"""Load scripts of the sample apps: what people write, over the connections of the sample.

Some apps store QVD files that others read, so that the order of reloads matters: the ledger and the sales
orders come from databases, most of the rest comes from what they store.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

SCRIPT_PASSWORD = "what-if-Blue-Heron-3"
"""A pretend credential that somebody left in the script of one app. It is in the app's file too."""

_MAIN = """///$tab Main
SET ThousandSep='.';
SET DecimalSep=',';
SET MoneyFormat='#.##0,00 €;-#.##0,00 €';
SET TimeFormat='hh:mm:ss';
SET DateFormat='YYYY-MM-DD';
SET TimestampFormat='YYYY-MM-DD hh:mm:ss[.fff]';
SET FirstWeekDay=0;
SET BrokenWeeks=0;
SET ReferenceDay=4;
SET FirstMonthOfYear=1;
SET CollationLocale='en-GB';
SET CreateSearchIndexOnReload=1;
SET vQvd = 'lib://Shared Files/qvd';
LET vFrom = Date(AddMonths(Today(), -36), 'YYYY-MM-DD');

"""

_SCRIPTS = {
    "General Ledger": """///$tab Accounts
LIB CONNECT TO 'Finance DWH';
Accounts:
SQL SELECT account_id, account_name, account_group FROM finance.accounts;

///$tab Bookings
Bookings:
LOAD *, Year(booking_date) AS Year, Month(booking_date) AS Month;
SQL SELECT booking_id, booking_date, account_id, cost_center, amount
FROM finance.bookings WHERE booking_date >= '$(vFrom)';
STORE Bookings INTO [lib://Shared Files/qvd/ledger.qvd] (qvd);
STORE Accounts INTO [lib://Shared Files/qvd/accounts.qvd] (qvd);
DISCONNECT;
""",
    "Budget vs Actuals": """///$tab Actuals
Actuals:
LOAD account_id, cost_center, Year, Month, amount AS Actual
FROM [lib://Shared Files/qvd/ledger.qvd] (qvd);
LEFT JOIN (Actuals)
LOAD account_id, account_name, account_group FROM [lib://Shared Files/qvd/accounts.qvd] (qvd);

///$tab Budget
Budget:
CrossTable(Month, Budget, 2)
LOAD * FROM [lib://Shared Files/planning/Budget 2026.xlsx] (ooxml, embedded labels, table is Budget);
STORE Budget INTO [lib://Shared Files/qvd/budget.qvd] (qvd);
""",
    "Cash Flow Forecast": """///$tab Rates
Rates:
LOAD Currency, Rate, Date(Date#(Day, 'YYYY-MM-DD')) AS RateDate
FROM [lib://Exchange Rates] (txt, utf8, embedded labels, delimiter is ',');

///$tab Cash
Cash:
LOAD booking_id, account_id, booking_date, amount
FROM [lib://Shared Files/qvd/ledger.qvd] (qvd) WHERE Exists(account_id);
CONCATENATE (Cash)
LOAD * FROM [lib://Shared Files/qvd/budget.qvd] (qvd);
""",
    "Sales Overview": """///$tab Orders
LIB CONNECT TO 'Legacy ERP';
Orders:
SQL SELECT order_id, order_date, customer_id, product_id, quantity, net_value
FROM erp.orders WHERE order_date >= '$(vFrom)';
Customers:
SQL SELECT customer_id, customer_name, region FROM erp.customers;
DISCONNECT;
STORE Orders INTO [$(vQvd)/orders.qvd] (qvd);
STORE Customers INTO [$(vQvd)/customers.qvd] (qvd);
""",
    "Pipeline Review": """///$tab Opportunities
LIB CONNECT TO 'CRM';
RestConnectorMasterTable:
SQL SELECT "id", "stage", "value", "owner", "close_date"
FROM JSON (wrap on) "root" PK "__KEY_root";
Opportunities:
LOAD id AS opportunity_id, stage, value, owner, Date#(close_date, 'YYYY-MM-DD') AS CloseDate
RESIDENT RestConnectorMasterTable;
DROP TABLE RestConnectorMasterTable;
LEFT JOIN (Opportunities)
LOAD customer_id, customer_name FROM [lib://Shared Files/qvd/customers.qvd] (qvd);
""",
    "Customer Profitability": """///$tab Margin
Orders:
LOAD * FROM [lib://Shared Files/qvd/orders.qvd] (qvd);
Costs:
LOAD cost_center, Sum(amount) AS Cost FROM [lib://Shared Files/qvd/ledger.qvd] (qvd) GROUP BY cost_center;

///$tab Regions
$(Must_Include=lib://Shared Files/scripts/regions.qvs);
""",
    "Headcount": """///$tab People
LIB CONNECT TO 'Finance DWH';
People:
LOAD *, Upper(department) AS DEPARTMENT;
SQL SELECT person_id, department, entry_date, exit_date, fte FROM hr.people;
STORE People INTO [lib://Shared Files/qvd/people.qvd] (qvd);
DISCONNECT;
""",
    "Absence Analysis": """///$tab Absences
FOR EACH vFile IN FileList('lib://Shared Files/absences/*.csv')
Absences:
LOAD person_id, Date#(day, 'YYYYMMDD') AS Day, reason, hours
FROM [$(vFile)] (txt, utf8, embedded labels, delimiter is ';');
NEXT vFile
LEFT JOIN (Absences)
LOAD person_id, department FROM [lib://Shared Files/qvd/people.qvd] (qvd);
""",
    "Inventory Turnover": """///$tab Stock
LIB CONNECT TO 'Legacy ERP';
Stock:
SQL SELECT product_id, site, stock_date, quantity, value FROM erp.stock;
STORE Stock INTO [lib://Shared Files/qvd/stock.qvd] (qvd);
DISCONNECT;

///$tab Turnover
LEFT JOIN (Stock)
LOAD product_id, Sum(quantity) AS Sold FROM [lib://Shared Files/qvd/orders.qvd] (qvd) GROUP BY product_id;
""",
    "Supplier Scorecard": """///$tab Suppliers
LET vYear = Year(Today()) - 1;
Suppliers:
LOAD * FROM [lib://Archive/suppliers/suppliers_$(vYear).qvd] (qvd);
CONCATENATE (Suppliers)
LOAD * FROM [lib://Shared Files/qvd/stock.qvd] (qvd);
""",
    "Company KPIs": """///$tab All
Ledger:
LOAD Year, Month, Sum(amount) AS Result FROM [lib://Shared Files/qvd/ledger.qvd] (qvd) GROUP BY Year, Month;
Orders:
LOAD Year(order_date) AS Year, Sum(net_value) AS Revenue
FROM [lib://Shared Files/qvd/orders.qvd] (qvd) GROUP BY Year(order_date);
People:
LOAD Count(person_id) AS Headcount FROM [lib://Shared Files/qvd/people.qvd] (qvd);
Stock:
LOAD Sum(value) AS StockValue FROM [lib://Shared Files/qvd/stock.qvd] (qvd);
""",
    "Sales Overview (my copy)": """///$tab Mine
// copied from Sales Overview, less data
Orders:
FIRST 10000 LOAD * FROM [lib://Shared Files/qvd/orders.qvd] (qvd);
""",
    "Payroll Experiments": """///$tab Try
People:
LOAD person_id, department, fte FROM [lib://Shared Files/qvd/people.qvd] (qvd);
Grades:
LOAD * INLINE [
grade, salary
A, 3100
B, 3900
C, 5200
];
// still on my own disk
Bonus:
LOAD * FROM [C:\\Users\\Public\\bonus 2025.xlsx] (ooxml, embedded labels, table is Sheet1);
""",
    "Quarter What-if": f"""///$tab What if
LET vUser = 'planning';
LET vPassword = '{SCRIPT_PASSWORD}';
ODBC CONNECT TO [Planning] (UserId is $(vUser), Password is $(vPassword));
Plan:
SQL SELECT * FROM planning.quarters;
Rates:
LOAD * FROM [lib://Exchange Rates] (txt, utf8, embedded labels, delimiter is ',');
""",
}
SECTION_ACCESS_APP = "Headcount"


def load_script(
    name: str, *, admins: Sequence[str] = (), readers: Sequence[str] = (), reads: Sequence[str] = ()
) -> str:
    """The script of the app `name`, with the line ends that the engine gives (CR LF).

    `admins` and `readers` are logins (`ACME\\anna`): who is in the section access of the app that has one.
    `reads`: tables that other apps store, for apps without a script of their own.
    """
    if name in _SCRIPTS:
        body = _SCRIPTS[name]
        if name == SECTION_ACCESS_APP:
            body = _section_access(admins, readers) + body
    else:
        body = _generic(name, reads)
    return (_MAIN + body).replace("\n", "\r\n")


def table_of(name: str) -> str:
    """The table (and QVD file) that an app without a script of its own stores."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def _section_access(admins: Sequence[str], readers: Sequence[str]) -> str:
    rows = [f"ADMIN, {login.upper()}, *" for login in ("INTERNAL\\sa_scheduler", *admins)]
    rows += [f"USER, {login.upper()}, PEOPLE" for login in readers]
    lines = "\n".join(rows)
    return (
        "///$tab Section Access\nSECTION ACCESS;\n"
        f"LOAD * INLINE [\nACCESS, USERID, DEPARTMENT\n{lines}\n];\nSECTION APPLICATION;\n\n"
    )


def _generic(name: str, reads: Sequence[str]) -> str:
    table = table_of(name)
    if not reads:
        query = f"SQL SELECT * FROM reporting.{table};"
        source = f"LIB CONNECT TO 'Finance DWH';\n{table}:\n{query}\nDISCONNECT;\n"
    else:
        loads = [f"LOAD * FROM [lib://Shared Files/qvd/{other}.qvd] (qvd);\n" for other in reads]
        source = f"{table}:\n" + f"LEFT JOIN ({table})\n".join(loads)
    return f"///$tab Load\n{source}STORE {table} INTO [lib://Shared Files/qvd/{table}.qvd] (qvd);\n"
