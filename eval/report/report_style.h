/* report_style: the page's style sheet. Colours are Okabe and Ito's (distinct to every kind of colour vision), and
 * every one is doubled by a shape: hatching left or right, dashes, dots. Contrast of text is at least 7:1 in both
 * schemes. */
#ifndef VIC_REPORT_STYLE_H
#define VIC_REPORT_STYLE_H

static const char report_style[] =
	":root{color-scheme:light "
	"dark;--bg:#fff;--fg:#1b1b1f;--dim:#4a4a52;--line:#d5d5dc;--soft:#f4f4f7;--bar:#0072b2;--over:#d55e00;"
	"--overback:#fbe3d3;--under:#007a5a;--underback:#d6f0e7;--link:#00507e}"
	"@media(prefers-color-scheme:dark){:root{--bg:#121316;--fg:#ececf1;--dim:#b4b4bf;--line:#3a3b42;--soft:"
	"#1d1e23;"
	"--bar:#56b4e9;"
	"--over:#f0a030;--overback:#3d2c10;--under:#3fd0a4;--underback:#0e3529;--link:#8ccbf2}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,-apple-system,\"Segoe "
	"UI\",Roboto,\"DejaVu Sans\",sans-serif}"
	"main{max-width:72rem;margin:0 auto;padding:1.5rem 1rem 4rem}"
	"h1{font-size:1.75rem;line-height:1.2;margin:.5rem 0}h1,h2{overflow-wrap:anywhere}"
	"h2{font-size:1.25rem;margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}"
	"h3{font-size:1rem;margin:1rem 0 .4rem;overflow-wrap:anywhere}"
	"p,li,dd{max-width:46rem;overflow-wrap:anywhere}p{margin:.5rem "
	"0}.lead,.note,figcaption{color:var(--dim)}.note,figcaption{font-size:.875rem}"
	"a{color:var(--link)}a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid "
	"var(--link);outline-offset:2px}"
	".scroll{overflow-x:auto;margin:.75rem 0;background:linear-gradient(to left,var(--bg) "
	"2rem,transparent) local "
	"100% 0/4rem 100% no-repeat,"
	"linear-gradient(to left,var(--line),transparent) scroll 100% 0/1rem 100% no-repeat}" /* a shade where
												 there is more
												 to the right */
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"caption{text-align:left;color:var(--dim);font-size:.875rem}"
	".scores "
	"caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:"
	"nowrap}" /* said
		     above
		     the
		     table
		   */
	"th,td{padding:.4rem .75rem;text-align:right;border-bottom:1px solid "
	"var(--line);vertical-align:top;white-space:nowrap}"
	"thead th{white-space:normal;overflow-wrap:anywhere;hyphens:auto;min-width:7rem;vertical-align:bottom}"
	"th[scope=row],thead th:first-child{text-align:left;font-weight:600}"
	".scores th[scope=row],.scores thead "
	"th:first-child{position:sticky;left:0;background:var(--bg);white-space:normal;min-width:9rem;max-"
	"width:16rem}"
	"th small,td small{display:block;font-weight:400;color:var(--dim);font-size:.8125rem}"
	".group th{background:var(--soft)!important;color:var(--dim);font-weight:600;text-align:left}"
	".group th[scope]{white-space:normal}"
	".small{font-size:.875rem}.small th,.small td{padding:.2rem .6rem}.small "
	"th[scope=row]{font-weight:400}.small "
	"thead th{min-width:0;overflow-wrap:normal}"
	".grid-of{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1.25rem}"
	"figure{margin:0;min-width:0}svg{display:block;width:100%;max-width:26rem;height:auto}"
	"details{margin:.5rem 0}summary{cursor:pointer;padding:.35rem 0}"
	"pre{background:var(--soft);border:1px solid "
	"var(--line);border-radius:6px;padding:.75rem;overflow-x:auto;font:.8125rem/1.5 ui-monospace,"
	"\"DejaVu Sans Mono\",monospace;white-space:pre-wrap;overflow-wrap:anywhere}"
	".claim{border-left:4px solid var(--bar);padding:.25rem 0 .25rem 1rem;margin:.75rem 0}"
	".keys{list-style:none;padding:0;margin:.5rem 0;display:flex;flex-wrap:wrap;gap:.35rem "
	"1.25rem;font-size:.875rem}"
	".keys li{display:flex;align-items:center;gap:.45rem}.keys svg{width:26px;flex:none}"
	"dt{font-weight:600;margin-top:.6rem}dd{margin:0}"
	"footer{margin-top:3rem;color:var(--dim);font-size:.875rem}"
	"svg text{fill:var(--fg);font-family:inherit}svg .tick{font-size:11px;fill:var(--dim)}svg "
	".axis{font-size:12px}"
	".grid{stroke:var(--line);stroke-width:.6;fill:none}.frame{stroke:var(--dim);stroke-width:1;fill:none}"
	".bar{fill:var(--bar);fill-opacity:.55}.hist{fill:var(--bar)}.over{stroke:var(--over);stroke-width:1}."
	"under{"
	"stroke:var(--under);stroke-width:1}"
	".overback{fill:var(--overback)}.underback{fill:var(--underback)}.overline{stroke:var(--over);stroke-"
	"width:2}."
	"underline{stroke:var(--under);stroke-width:2}"
	".whisker{stroke:var(--fg);stroke-width:1.1}.diagonal{stroke:var(--fg);stroke-width:1;stroke-dasharray:"
	"5 "
	"4;fill:none}"
	".corp{stroke:var(--fg);stroke-width:1.8;fill:none;stroke-linejoin:round}.accline{stroke:var(--fg);"
	"stroke-"
	"width:1.6;fill:none}"
	".confline{stroke:var(--over);stroke-width:1.8;stroke-dasharray:3 2;fill:none}"
	"@media(max-width:30rem){main{padding:1rem .75rem 3rem}h1{font-size:1.4rem}th,td{padding:.35rem "
	".5rem}.scores "
	"th[scope=row],"
	".scores thead th:first-child{min-width:6.5rem;max-width:8.25rem;font-size:.875rem;overflow-wrap:break-word}"
	".scores thead "
	"th{min-width:5rem;font-size:.8125rem}td small{white-space:normal}}"
	"@media "
	"print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#333;--line:#bbb;--soft:#fff;--bar:#0072b2;--"
	"over:#"
	"b34e00;--overback:#fbe3d3;"
	"--under:#00664b;--underback:#d6f0e7;--link:#000}body{font-size:10pt}main{max-width:none;padding:0}h2,"
	"h3{break-"
	"after:avoid}"
	"@page{margin:15mm}dt{break-after:avoid}figure,tr,.claim,dt{break-inside:avoid}.scroll{overflow:"
	"visible}."
	"scores th[scope=row]{position:static}pre{white-space:pre-wrap}"
	".bar,.hist,svg "
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.grid-of{grid-template-columns:1fr "
	"1fr}"
	"details{display:none}}";

/* Of the sections that a page has only where they were asked for. */
static const char report_style_more[] =
	".lines th[scope=row]{overflow-wrap:anywhere;font-weight:400}.lines .word{white-space:normal;overflow-wrap:"
	"anywhere;min-width:7rem}"
	".measures thead th{overflow-wrap:normal;hyphens:manual;min-width:0!important}"
	".curves path{fill:none;stroke-width:1.8;stroke-linejoin:round;vector-effect:non-scaling-stroke}.curves "
	".asked{stroke:var(--dim);stroke-width:1.2;stroke-dasharray:2 3}"
	".s0{stroke:var(--bar)}.s1{stroke:var(--over);stroke-dasharray:7 3}.s2{stroke:var(--under);stroke-dasharray:2 "
	"2}.s3{stroke:var(--fg);stroke-dasharray:9 3 2 3}.s4{stroke:var(--link);stroke-dasharray:4 4}"
	".s5{stroke:var(--dim);stroke-dasharray:1 4}";

#endif
