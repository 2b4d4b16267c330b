"""Reading mammograms: DICOM of any vendor and plain raster files, to one oriented array on one grey scale."""
