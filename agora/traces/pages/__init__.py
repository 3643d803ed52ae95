"""The page kit: one self-contained HTML file for people, drawn from values; nothing in it is fetched from anywhere.

    rendering.py    templates that escape whatever is put into them: the one escape for text that others wrote
    frame.py        the page: head, policy, navigation, sections; `page`
    parts.py        tables, lists of facts, long texts, diffs, links within the page
    plots.py        stacked bars, lines, points, spans: each with its words and its figures in a table
    drawing.py      from a plot to a part of the page; the plotting library stands here only
    svg.py          what that library drew, taken over element by element
    excerpts.py     long texts cut, so that a page stays small

All of it needs the extra `report`, which is imported when something is drawn. Values go in as they are: no caller
escapes, and none says that a text is safe. Only what these functions give back (markup) is taken as it is.
"""
