"""Figures for paper: any Plotly figure of grokscope as SVG, PDF, PNG or PGF, drawn by matplotlib, without a browser."""
