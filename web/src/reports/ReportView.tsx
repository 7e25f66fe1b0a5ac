import { fullMoment, offset } from "../history/ask";
import { Scroll } from "../history/parts";
import { metricValue } from "../history/sums";
import { labelText } from "../live/problem";
import { me } from "../live/session";
import { Figure as Formula } from "../ui/parts";
import { worked } from "./periods";
import { type Column, type Figure, type Figures, GROUPS, type Line, type Report } from "./types";
import { reportsWords } from "./words";

/** A table of so many lines is not torn apart on paper. */
const SHORT = 12;

/** A moment on site, to the minute. */
function minute(at: number): string {
  return fullMoment(at, null).slice(0, 16);
}

function zone(): string {
  const minutes = Math.round(offset.value / 60);
  const pad = (value: number) => `${Math.floor(Math.abs(value))}`.padStart(2, "0");
  return `UTC${minutes < 0 ? "-" : "+"}${pad(minutes / 60)}:${pad(minutes % 60)}`;
}

/** The report as it is read, and as it is printed. */
export function ReportView({ report }: { report: Report }) {
  const t = reportsWords.value;
  return (
    <article class="rp-report" aria-label={labelText(report.title)}>
      <Head report={report} />
      {report.lines.length === 0 ? (
        <p class="hx-empty">{t.nothing}</p>
      ) : (
        <>
          {groupsOf(report).map(([group, columns]) => (
            <section
              key={group}
              class="rp-group"
              data-short={report.lines.length <= SHORT ? "yes" : "no"}
            >
              <h3>{t.groups[group]}</h3>
              <Summary report={report} columns={columns} label={t.groups[group]} />
            </section>
          ))}
          <BrokenDown report={report} line={report.total} label={t.total} />
          {report.lines
            .filter(({ pieces }) => pieces.length > 0)
            .map((line) => (
              <BrokenDown key={line.name} report={report} line={line} label={line.label} />
            ))}
        </>
      )}
      <Notes report={report} />
    </article>
  );
}

function groupsOf(report: Report) {
  return GROUPS.map(
    (group) => [group, report.columns.filter((column) => column.group === group)] as const,
  ).filter(([, columns]) => columns.length > 0);
}

function Head({ report }: { report: Report }) {
  const t = reportsWords.value;
  const spells = report.period.spells
    .map(({ from_at, to_at }) => `${minute(from_at)} – ${minute(to_at)}`)
    .join(", ");
  const by = me.value;
  return (
    <header class="rp-head">
      <p class="rp-site">{report.site || t.centre}</p>
      <h2>{labelText(report.title)}</h2>
      <p>
        {t.period} {spells} · {t.compared(labelText(report.before.words))}
      </p>
      <p>
        {t.made(minute(report.made_at), zone())}
        {by !== null && ` · ${t.madeBy(`${by.name} ${by.login}`)}`}
      </p>
      {report.period.unfinished && (
        <p>
          <strong>{t.unfinished}</strong>
        </p>
      )}
    </header>
  );
}

interface TableProps {
  readonly report: Report;
  readonly columns: readonly Column[];
  readonly label: string;
}

function Heads({ first, columns }: { first: string; columns: readonly Column[] }) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {columns.map((column) => (
          <th key={column.key} scope="col" class="hx-num">
            <Formula name={labelText(column.name)} why={labelText(column.formula)}>
              {labelText(column.name)}
            </Formula>
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** One line for each queue, team or person, and all together. */
function Summary({ report, columns, label }: TableProps) {
  const t = reportsWords.value;
  return (
    <Scroll label={t.tableOf(label, labelText(report.title))}>
      <table class="hx-table rp-table">
        <Heads first={t.one[report.by]} columns={columns} />
        <tbody>
          {report.lines.map((line) => (
            <LineRow key={line.name} line={line} label={line.label} columns={columns} />
          ))}
        </tbody>
        <tfoot>
          <LineRow line={report.total} label={t.total} columns={columns} />
        </tfoot>
      </table>
    </Scroll>
  );
}

interface RowProps {
  readonly line: Line;
  readonly label: string;
  readonly columns: readonly Column[];
}

function LineRow({ line, label, columns }: RowProps) {
  const t = reportsWords.value;
  const all = unheard(line.figures, columns);
  return (
    <tr data-line={line.name}>
      <th scope="row">
        {label}
        {all && <Mark sign="*" text={t.gap} />}
      </th>
      {columns.map((column) => {
        const before = line.before[column.key];
        const value = before?.value ?? null;
        return (
          <td key={column.key} class="hx-num" data-metric={column.key}>
            <Value column={column} figure={line.figures[column.key]} marked={all} />
            {value !== null && (
              <small>
                <span class="unseen">{t.beforeValue("")}</span>
                {metricValue(column.unit, value)}
                {before?.gap === true && <Mark sign="*" text={t.gap} />}
              </small>
            )}
          </td>
        );
      })}
    </tr>
  );
}

/** Nothing was heard in a part of the whole line's time: said once, at its name. */
function unheard(figures: Figures | undefined, columns: readonly Column[]): boolean {
  return figures !== undefined && columns.every(({ key }) => figures[key]?.gap === true);
}

function Mark({ sign, text }: { sign: string; text: string }) {
  return (
    <span class="rp-mark" title={text}>
      {sign}
      <span class="unseen"> {text}</span>
    </span>
  );
}

interface ValueProps {
  readonly column: Column;
  readonly figure: Figure | undefined;
  /** The whole line says already that it spans a gap. */
  readonly marked: boolean;
}

/** A figure with its marks, which say in words what they mean. */
function Value({ column, figure, marked }: ValueProps) {
  const t = reportsWords.value;
  if (figure === undefined) return null;
  return (
    <>
      {metricValue(column.unit, figure.value)}
      {figure.estimated > 0 && figure.value !== null && (
        <Mark sign="≈" text={t.estimated(figure.estimated)} />
      )}
      {figure.gap && !marked && <Mark sign="*" text={t.gap} />}
    </>
  );
}

interface BrokenDownProps {
  readonly report: Report;
  readonly line: Line;
  readonly label: string;
}

/** Hour by hour, or day by day; on paper on a page of its own. */
function BrokenDown({ report, line, label }: BrokenDownProps) {
  const t = reportsWords.value;
  const counts = (column: Column) => (line.figures[column.key]?.value ?? 0) !== 0;
  const [first, end] = worked(report, line);
  return (
    <section class="rp-broken-down">
      <h3>{t.brokenDown(label)}</h3>
      {groupsOf(report)
        .filter(([, columns]) => columns.some(counts))
        .map(([group, columns]) => (
          <div key={group} class="rp-group">
            <h4>{t.groups[group]}</h4>
            <Scroll label={t.tableOf(t.groups[group], t.brokenDown(label))}>
              <table class="hx-table rp-table">
                <Heads first={t.steps[report.period.step]} columns={columns} />
                <tbody>
                  {report.pieces.slice(first, end).map((piece, index) => (
                    <PieceRow
                      key={piece.label}
                      label={piece.label}
                      figures={line.pieces[first + index]}
                      columns={columns}
                    />
                  ))}
                </tbody>
                <tfoot>
                  <LineRow line={line} label={t.whole} columns={columns} />
                </tfoot>
              </table>
            </Scroll>
          </div>
        ))}
    </section>
  );
}

function PieceRow({
  label,
  figures,
  columns,
}: {
  readonly label: string;
  readonly figures: Figures | undefined;
  readonly columns: readonly Column[];
}) {
  const t = reportsWords.value;
  const all = unheard(figures, columns);
  return (
    <tr>
      <th scope="row">
        {label}
        {all && <Mark sign="*" text={t.gap} />}
      </th>
      {columns.map((column) => (
        <td key={column.key} class="hx-num">
          <Value column={column} figure={figures?.[column.key]} marked={all} />
        </td>
      ))}
    </tr>
  );
}

function Notes({ report }: { report: Report }) {
  const t = reportsWords.value;
  return (
    <section class="rp-notes" aria-label={t.notes}>
      <h3>{t.notes}</h3>
      {[t.appeals, t.totals, t.small, t.marks].map((text) => (
        <p key={text}>{text}</p>
      ))}
      {report.gaps.length > 0 && (
        <p>
          {t.gaps}:{" "}
          {report.gaps
            .map(({ pbx, from_at, to_at }) => `${pbx} ${minute(from_at)} – ${minute(to_at)}`)
            .join("; ")}
        </p>
      )}
      <h3>{t.formulas}</h3>
      <dl class="rp-formulas">
        {report.columns.map((column) => (
          <div key={column.key}>
            <dt>{labelText(column.name)}</dt>
            <dd>{labelText(column.formula)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
